/** Report pages as files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ReportPage } from '../../analysis/report/page.js';
import { renderPage } from '../../analysis/report/render-page.js';
import { RingwireError } from '../../errors.js';
import { browserAsset } from './browser-asset.js';

/** The page as one self-contained HTML text. */
export function renderReport(page: ReportPage): string {
  return renderPage(page, browserAsset('charts'));
}

/** Writes the page to `file`, whose folder is made where it is missing. Throws IO_ERROR. */
export function writeReport(page: ReportPage, file: string): void {
  const html = renderReport(page);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, html);
  } catch (cause) {
    const text = `The report cannot be written to ${file}: ${(cause as Error).message}.`;
    throw new RingwireError('IO_ERROR', text, { cause });
  }
}
