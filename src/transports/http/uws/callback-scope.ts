/**
 * Whose callback uWebSockets.js is in: what is written to that connection is collected and leaves in one write. What is
 * written to another one meanwhile would leave in a write for each piece, so it waits until the loop has read all.
 */
export const callbackScope: { owner: object | undefined } = { owner: undefined };
