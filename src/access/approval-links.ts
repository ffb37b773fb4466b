/**
 * Signed links: whoever has one may cast one vote on one approval until it expires. Everything that it allows stands in
 * it; nothing is stored. That it serves once is the shard's to see to.
 */
import { z } from "zod";
import { SignedText } from "./signed-text.ts";

export interface ApprovalLink {
  tenant: string;
  approvalId: string;
  /** The key that made it: a link does not outlive its maker's key. */
  keyId: string;
  /** Whose vote it casts. */
  voter: string;
  nonce: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Changes when the meaning of a token does: those of an earlier version are then nobody's. */
const PURPOSE = "weir approval link 1";

const claims = z.tuple([z.string(), z.string(), z.string(), z.string(), z.string(), z.int()]);

export class ApprovalLinks {
  readonly #texts: SignedText;

  /** `operatorKey`: the secret of the installation. With another one, links made before are nobody's. */
  constructor(operatorKey: string) {
    this.#texts = new SignedText(operatorKey, PURPOSE);
  }

  async sign(link: ApprovalLink): Promise<string> {
    const { tenant, approvalId, keyId, voter, nonce, expiresAt } = link;
    return this.#texts.sign([tenant, approvalId, keyId, voter, nonce, expiresAt] satisfies z.infer<typeof claims>);
  }

  /** The link that a token is, expired ones too; null for anything that was not made here, as it is. */
  async open(token: string): Promise<ApprovalLink | null> {
    const said = await this.#texts.open(token);
    if (said === undefined) return null;
    const [tenant, approvalId, keyId, voter, nonce, expiresAt] = claims.parse(said);
    return { tenant, approvalId, keyId, voter, nonce, expiresAt };
  }
}
