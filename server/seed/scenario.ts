/** What a scenario is made of: customers and devices with what happens to them. Rows are made of it in write-history.ts. */
import type { PolicyDocument } from '../../core/domain/policy.ts';

export const SCENARIOS = ['calm', 'monday', 'fleet'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface ScenarioCustomer {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  readonly policies: readonly { readonly id: string; readonly name: string; readonly document: PolicyDocument }[];
}

/**
 * What goes wrong, and since when (milliseconds since the epoch). `dead_link`: the machine is not heard any more, and its backups are
 * missed. `quota`: backups fail. `ransomware`: the last backups are whole and much too large, then the machine is taken off.
 * `damage`: a stored object is bad. `drill`: the last test of a restore failed. `stuck`: the newest backup fell silent.
 * `partial`: the newest backup left too much unread. `unproven`: no restore was tested since.
 */
export type MishapKind = 'dead_link' | 'quota' | 'ransomware' | 'damage' | 'drill' | 'stuck' | 'partial' | 'unproven';
export interface Mishap {
  readonly kind: MishapKind;
  readonly sinceMs: number;
}

export interface ScenarioDevice {
  readonly id: string;
  readonly sourceId: string;
  readonly vaultId: string;
  readonly customerId: string;
  readonly policyId: string;
  readonly name: string;
  readonly hostname: string;
  readonly os: string;
  readonly agentVersion: string;
  readonly tags: readonly string[];
  readonly custody: 'escrowed' | 'customer_held';
  readonly everyMinutes: number;
  readonly windowMinutes: number;
  readonly drillEveryHours: number;
  readonly drillLevel: number;
  readonly bytes: number;
  /** Of ten thousand expected backups, how many do not go well; spread by chance. */
  readonly flaws: number;
  /** Approved maintenance: expected backups in it are excused. */
  readonly excused: { readonly fromMs: number; readonly toMs: number } | null;
  readonly mishap: Mishap | null;
}

export interface Scenario {
  readonly name: ScenarioName;
  readonly seed: string;
  readonly atMs: number;
  readonly days: number;
  readonly tenantId: string;
  readonly tenantName: string;
  readonly customers: readonly ScenarioCustomer[];
  readonly devices: readonly ScenarioDevice[];
}

export interface ScenarioWish {
  readonly name: ScenarioName;
  readonly seed: string;
  /** The instant that everything is told by. */
  readonly atMs: number;
  readonly devices?: number;
  readonly days?: number;
}
