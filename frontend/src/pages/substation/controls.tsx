import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, got, seen } from '../../api/client';
import { type DoorAnswer, type ProposalView, isProposal } from '../../api/command-views';
import { may } from '../../api/session';
import type { CommandView, Mode, Page, PointView, Stage, StationUnit, StationView } from '../../api/views';
import { showNumber, showUnit } from '../../base/format';
import { useStore } from '../../base/store';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { commands, takeCommand } from '../../live/commands';
import { CommandLife, CommandStateTag } from '../../parts/command-life';
import { Icon } from '../../parts/icon';
import { Segmented } from '../../parts/segmented';
import { Sheet } from '../../parts/sheet';
import { sayProblem } from '../../parts/toast';
import { LiveValue, usePoint, useWord } from '../../parts/value';
import { ProposalPanel } from '../commands/proposal';
import { SetpointSheet } from './setpoint';
import { WordStrip } from './word-strip';

const MODES: readonly Mode[] = ['local', 'remote_manual', 'automatic'];
const STAGES: readonly Stage[] = ['observe', 'advise', 'automatic'];

/** Set-points operators change often; the others are in the table of points. */
const MAIN = [
  'secondary_supply_temperature_setpoint',
  'circulation_pump_frequency_setpoint',
  'secondary_return_pressure_setpoint',
  'valve_opening_setpoint',
];

type Wish = { what: 'mode'; to: Mode } | { what: 'stage'; to: Stage };

interface ConfirmProps {
  wish: Wish;
  unit: StationUnit;
  onClose: () => void;
  onDone: () => void;
}

function Confirm({ wish, unit, onClose, onDone }: ConfirmProps) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [proposal, setProposal] = useState<ProposalView | null>(null);
  async function send() {
    setBusy(true);
    try {
      const path = { code: unit.code };
      if (wish.what === 'mode') {
        const body = { mode: wish.to };
        const answer = await seen<DoorAnswer>(api.PUT('/api/v1/units/{code}/mode', { params: { path }, body }));
        if (isProposal(answer)) {
          setProposal(answer);
          return;
        }
        takeCommand(answer);
      } else {
        await got(api.PUT('/api/v1/units/{code}/stage', { params: { path }, body: { stage: wish.to } }));
        onDone();
      }
      onClose();
    } catch (error) {
      sayProblem(error);
      setBusy(false);
    }
  }
  if (proposal) {
    return (
      <Sheet title={t(`control.change.${wish.what}`)} onClose={onClose} testid="control-sheet">
        <ProposalPanel proposal={proposal} onClose={onClose} />
      </Sheet>
    );
  }
  const name = wish.what === 'mode' ? t(`mode.${wish.to}`) : t(`stage.${wish.to}`);
  return (
    <Sheet title={t(`control.change.${wish.what}`)} onClose={onClose} testid="control-sheet">
      <p>{t('control.confirm', { unit: `${named(unit)} ${unit.code}`, to: name })}</p>
      <p className="muted">{wish.what === 'mode' ? t(`modeHelp.${wish.to}`) : t(`stageHelp.${wish.to}`)}</p>
      <div className="actions">
        <button type="button" className="btn" onClick={onClose}>
          {t('cancel')}
        </button>
        <button type="button" className="btn main" disabled={busy} data-testid="control-confirm" onClick={() => void send()}>
          {t('confirm')}
        </button>
      </div>
    </Sheet>
  );
}

function ModeChoice({ point, onWish }: { point: PointView; onWish: (mode: Mode) => void }) {
  const { t } = useTranslation();
  const { value } = usePoint(point);
  return (
    <div className="control">
      <h3>{t('control.mode')}</h3>
      <Segmented
        label={t('control.mode')}
        value={MODES[value ?? -1] ?? null}
        choices={MODES.map((mode) => ({ value: mode, label: t(`mode.${mode}`) }))}
        onChoose={onWish}
        disabled={!may('command')}
        testid="mode"
      />
    </div>
  );
}

/** The last commands to this unit, the newest with its whole life. */
function LastCommands({ station, unit }: { station: StationView; unit: StationUnit }) {
  const { t } = useTranslation();
  const all = useStore(commands);
  useEffect(() => {
    for (const kind of [...MAIN, 'station_mode']) {
      const query = { point: `${unit.code}.${kind}`, size: 3 };
      seen<Page<CommandView>>(api.GET('/api/v1/commands', { params: { query } })).then(
        (page) => page.items.forEach(takeCommand),
        () => undefined,
      );
    }
  }, [unit.code]);
  const own = new Map(station.points.filter((p) => p.asset === unit.code).map((p) => [p.code, p]));
  const list = [...all.values()]
    .filter((command) => own.has(command.point))
    .sort((a, b) => Date.parse(b.issued) - Date.parse(a.issued))
    .slice(0, 4);
  return (
    <div className="control">
      <h3>{t('control.commands')}</h3>
      {list.length === 0 && <p className="small faint">{t('control.noCommands')}</p>}
      <ul className="last-commands">
        {list.map((command, at) => (
          <LastCommand key={command.id} command={command} point={own.get(command.point)} first={at === 0} />
        ))}
      </ul>
      {list.length > 0 && (
        <Link className="small" to="/commands">
          {t('control.allCommands')}
        </Link>
      )}
    </div>
  );
}

interface LastCommandProps {
  command: CommandView;
  point: PointView | undefined;
  first: boolean;
}

function LastCommand({ command, point, first }: LastCommandProps) {
  const words = useWord(point?.kind ?? '');
  const value = words(command.value) ?? `${showNumber(command.value, point?.decimals ?? 1)} ${showUnit(point?.unit)}`;
  return (
    <li data-testid={`command-${command.id}`}>
      <div className="row small">
        <span className="grow">
          {point ? named(point) : command.point} → <b>{value}</b>
        </span>
        <CommandStateTag command={command} testid={first ? 'last-command-state' : undefined} />
      </div>
      {first ? (
        <CommandLife command={command} />
      ) : (
        <span className="code">
          {showTime(command.issued)} · {command.requested_by}
        </span>
      )}
    </li>
  );
}

interface ControlsProps {
  station: StationView;
  unit: StationUnit;
  onReload: () => void;
}

/** What may be changed at a unit, and what became of the changes. */
export function Controls({ station, unit, onReload }: ControlsProps) {
  const { t } = useTranslation();
  const [wish, setWish] = useState<Wish | null>(null);
  const [open, setOpen] = useState<PointView | null>(null);
  const own = station.points.filter((point) => point.asset === unit.code);
  const mode = own.find((point) => point.kind === 'station_mode');
  const settings = MAIN.flatMap((kind) => own.filter((point) => point.kind === kind));
  return (
    <aside className="panel controls" aria-label={t('control.title')}>
      <WordStrip points={own} />
      {mode && <ModeChoice point={mode} onWish={(to) => setWish({ what: 'mode', to })} />}
      <div className="control">
        <h3>{t('control.stage')}</h3>
        <Segmented
          label={t('control.stage')}
          value={unit.stage}
          choices={STAGES.map((stage) => ({ value: stage, label: t(`stage.${stage}`) }))}
          onChoose={(to) => setWish({ what: 'stage', to })}
          disabled={!may('command')}
          testid="stage"
        />
      </div>
      <div className="control">
        <h3>{t('control.setpoints')}</h3>
        <ul className="setpoints">
          {settings.map((point) => (
            <li key={point.code}>
              <span className="grow">{named(point)}</span>
              <LiveValue point={point} testid={`setpoint-value-${point.code}`} />
              <button
                type="button"
                className="btn tiny"
                disabled={!may('command')}
                aria-label={t('setpoint.change', { name: named(point) })}
                data-testid={
                  point.kind === 'secondary_supply_temperature_setpoint'
                    ? `setpoint-open-${unit.code}`
                    : `setpoint-open-${point.code}`
                }
                onClick={() => setOpen(point)}
              >
                <Icon name="edit" size={15} />
              </button>
            </li>
          ))}
        </ul>
      </div>
      <LastCommands station={station} unit={unit} />
      {wish && <Confirm wish={wish} unit={unit} onClose={() => setWish(null)} onDone={onReload} />}
      {open && <SetpointSheet point={open} onClose={() => setOpen(null)} />}
    </aside>
  );
}
