import { api, seen } from '../api/client';
import type { CommandStateName, CommandView } from '../api/views';
import { Store } from '../base/store';

/** Commands heard of in this window, by id. */
export const commands = new Store<ReadonlyMap<string, CommandView>>(new Map());

const RANK: Record<CommandStateName, number> = {
  queued: 0,
  sent: 1,
  acknowledged: 2,
  verified: 3,
  failed: 3,
  expired: 3,
};

export function isOver(command: CommandView): boolean {
  return RANK[command.state] === 3;
}

/** A command's life only goes forward, whatever order news arrives in. */
export function takeCommand(fresh: CommandView): void {
  const old = commands.get().get(fresh.id);
  if (old && RANK[old.state] > RANK[fresh.state]) return;
  commands.update((all) => new Map(all).set(fresh.id, fresh));
}

/** Follow a command by asking too: the stream may be down just now. */
export async function follow(id: string, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    const known = commands.get().get(id);
    if (known && isOver(known)) return;
    await new Promise((wake) => window.setTimeout(wake, 2000));
    if (stopped()) return;
    takeCommand(await seen<CommandView>(api.GET('/api/v1/commands/{id}', { params: { path: { id } } })));
  }
}
