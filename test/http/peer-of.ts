import { peerCredentials } from '../../src/adapters/linux/peer-credentials.ts'
import { descriptorOf, type PeerOf } from '../../src/http/peer.ts'

/** The kernel's word, as in the real daemon. */
export const peerOf: PeerOf = socket => peerCredentials(descriptorOf(socket))
