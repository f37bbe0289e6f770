import type { components } from './schema';
import type { CommandView } from './views';

// The command door: shapes straight from the API document.
type Schemas = components['schemas'];

export type DoorStep = Schemas['DoorStep'];
export type PhysicsView = Schemas['PhysicsView'];
export type StopOrderView = Schemas['StopOrderView'];
export type StopAssetView = Schemas['StopAssetView'];
export type EmergencyView = Schemas['EmergencyView'];
export type ProposalView = Omit<Schemas['ProposalView'], 'commands'> & { commands: CommandView[] };

/** What the door answers: a command that is on its way, or a proposal that waits for people. */
export type DoorAnswer = CommandView | ProposalView;

export function isProposal(answer: DoorAnswer): answer is ProposalView {
  return 'points' in answer;
}
