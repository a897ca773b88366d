import { png } from './samples.mjs';

const cached = { ttlMs: 300_000, cacheScope: 'public' };

export function addResources(server) {
  server
    .resource(
      'test://static-text',
      { ...cached, name: 'static-text', description: 'Text that never changes.', mimeType: 'text/plain' },
      'This is the content of the static text resource.',
    )
    .resource(
      'test://static-binary',
      {
        ...cached,
        name: 'static-binary',
        description: 'An image that never changes.',
        mimeType: 'image/png',
      },
      Buffer.from(png, 'base64'),
    )
    .resource(
      'test://watched-resource',
      { name: 'watched-resource', description: 'Something to subscribe to.', mimeType: 'text/plain' },
      () => 'Watched resource content',
    )
    .resourceTemplate(
      'test://template/{id}/data',
      { name: 'template', description: 'Data by id.', mimeType: 'application/json' },
      (_uri, { id }) => JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
    );
}
