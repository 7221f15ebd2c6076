/**
 * The protocol's version. The control plane serves agents of this version and the two before it; a document that an older
 * agent must not act on carries `minProtocol` (V1). `protocol.test.ts` pins the schemas to it.
 */
export const PROTOCOL = 1;
export const OLDEST_PROTOCOL = 1;
