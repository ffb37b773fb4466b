/**
 * What a model writes, told to those who watch the run while it is being written: now and then rather than word by word,
 * and not at all while nobody watches. It is told once and kept nowhere; the log has the whole answer in the end.
 */
import type { Clock } from "#kernel/clock.ts";

/** Text is gathered for this long between two tellings. */
export const TELL_EVERY_MS = 250;

/** While nobody watches, whether somebody does by now is asked this often. */
export const ASK_AGAIN_MS = 2_000;

/** Text of one telling; what is written beyond it is left out, and the next piece's offset shows it. */
export const TELLING_UNITS_MAX = 16_000;

/** A stretch of what a model wrote in a turn. */
export interface TextPiece {
  /** From 1. */
  turn: number;
  /** Where it stands in the turn's text, in UTF-16 units. */
  offset: number;
  text: string;
}

/** Tells pieces to those who watch; false when nobody does. */
export type TellText = (pieces: TextPiece[]) => Promise<boolean>;

export class LiveText {
  readonly #tell: TellText;
  readonly #clock: Clock;
  #turn = 0;
  /** What the turn has brought so far. */
  #units = 0;
  #pieces: TextPiece[] = [];
  #gathered = 0;
  #isWatched = true;
  #isClosed = false;
  #nextAt = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #telling: Promise<void> | null = null;

  constructor(tell: TellText, clock: Clock) {
    this.#tell = tell;
    this.#clock = clock;
  }

  hear(turn: number, text: string): void {
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#units = 0;
    }
    const offset = this.#units;
    this.#units += text.length;
    if (!this.#isWatched && this.#clock.nowMs() < this.#nextAt) return;
    this.#gather({ turn, offset, text });
    this.#schedule();
  }

  /** Tells what is left; to be called when nothing follows. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#telling;
    if (this.#isWatched) await this.#tellNow();
  }

  #gather(piece: TextPiece): void {
    const text = piece.text.slice(0, TELLING_UNITS_MAX - this.#gathered);
    if (text === "") return;
    this.#gathered += text.length;
    const last = this.#pieces.at(-1);
    const follows = last?.turn === piece.turn && last.offset + last.text.length === piece.offset;
    if (last !== undefined && follows) last.text += text;
    else this.#pieces.push({ ...piece, text });
  }

  #schedule(): void {
    if (this.#isClosed || this.#timer !== null || this.#telling !== null || this.#pieces.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#telling = this.#tellNow().finally(() => {
        this.#telling = null;
        this.#schedule();
      });
    }, this.#nextAt - this.#clock.nowMs());
  }

  async #tellNow(): Promise<void> {
    const pieces = this.#pieces;
    if (pieces.length === 0) return;
    this.#pieces = [];
    this.#gathered = 0;
    try {
      this.#isWatched = await this.#tell(pieces);
    } catch {
      // Nobody is owed it.
      this.#isWatched = false;
    }
    if (!this.#isWatched) {
      this.#pieces = [];
      this.#gathered = 0;
    }
    this.#nextAt = this.#clock.nowMs() + (this.#isWatched ? TELL_EVERY_MS : ASK_AGAIN_MS);
  }
}
