import type { OpenResult } from '../messages.ts';

export type Phase = 'provision' | 'start' | 'rebuild' | 'checks';

/** How long each part of opening took: one runs at a time, from its beginning to the next one's. */
export class PhaseClock {
  readonly #onPhase: (phase: Phase) => void;
  readonly #took: Record<Phase, number> = { provision: 0, start: 0, rebuild: 0, checks: 0 };
  #phase: Phase | undefined;
  #sinceMs = 0;

  constructor(onPhase: (phase: Phase) => void) {
    this.#onPhase = onPhase;
  }

  begin(phase: Phase): void {
    this.#settle();
    this.#phase = phase;
    this.#onPhase(phase);
  }

  timings(): OpenResult['timings'] {
    this.#settle();
    const { provision, start, rebuild, checks } = this.#took;
    const [provisionMs, startMs, rebuildMs, checksMs] = [provision, start, rebuild, checks].map(Math.round);
    return { provisionMs: provisionMs!, startMs: startMs!, rebuildMs: rebuildMs!, checksMs: checksMs! };
  }

  #settle(): void {
    const nowMs = performance.now();
    if (this.#phase !== undefined) this.#took[this.#phase] += nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
  }
}
