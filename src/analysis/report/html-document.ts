/** One HTML file that needs nothing else: no network, no sibling file. Every page of the workbench is put together here. */
import { createHash } from 'node:crypto';

/** What the browser side of a page is made of; src/workbench/report/browser-asset.ts reads it. */
export interface BrowserAsset {
  readonly script: string;
  readonly style: string;
}

export interface HtmlDocument {
  readonly title: string;
  /** Inside of the body element; its author has escaped what is not his. */
  readonly body: string;
  /** Read by the script from the element `report-data`. */
  readonly data: unknown;
  readonly asset: BrowserAsset;
  /** Behind the asset's own. */
  readonly style?: string;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text between tags and inside of quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}

/** JSON that no `</script>` or `<!--` inside of a string can end early, and no line separator. */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const digest = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Scripts other than ours do not run in the page, whatever text came into it, and nothing is fetched or sent. */
const policy = (script: string) =>
  [
    "default-src 'none'",
    `script-src ${digest(script)}`,
    "style-src 'unsafe-inline'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

export function htmlDocument({ title, body, data, asset, style = '' }: HtmlDocument): string {
  // A style or script element ends at its end tag, wherever it stands.
  const script = asset.script.replaceAll('</script', '<\\/script');
  const styles = `${asset.style}\n${style}`.replaceAll('</style', '<\\/style');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="ringwire">
<title>${escapeHtml(title)}</title>
<style>${styles}</style>
</head>
<body>
${body}
<script type="application/json" id="report-data">${jsonForScript(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}
