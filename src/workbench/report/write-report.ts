/** Report pages as files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ReportPage } from '../../analysis/report/page.js';
import { renderPage } from '../../analysis/report/render-page.js';
import { browserAsset } from './browser-asset.js';

/** The page as one self-contained HTML text. */
export function renderReport(page: ReportPage): string {
  return renderPage(page, browserAsset('charts'));
}

/** Writes the page to `file`, whose folder is made where it is missing. Throws what the file system says. */
export function writeReport(page: ReportPage, file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, renderReport(page));
}
