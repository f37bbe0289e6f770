import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { may } from '../../api/session';
import type { RoomLevel, RoomLevelPoint } from '../../api/strategy-views';
import { showNumber } from '../../base/format';
import { type Resource, useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { say, sayProblem } from '../../parts/toast';
import { useStrategyWords } from './words';

const degrees = (value: number | null, digits = 1) => (value === null ? '–' : `${showNumber(value, digits)} °C`);

/** A shift with its sign, as people write it. */
const signed = (value: number) => `${value > 0 ? '+' : ''}${showNumber(value, 2)} K`;

interface OwnProps {
  level: RoomLevel;
  onClose: () => void;
  onDone: (fresh: RoomLevel) => void;
}

function OwnTarget({ level, onClose, onDone }: OwnProps) {
  const { t } = useTranslation();
  const [target, setTarget] = useState(level.target_c.toFixed(1));
  const [note, setNote] = useState(level.own_note);
  const [busy, setBusy] = useState(false);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const path = { code: level.unit };
      const body = { target_c: Number(target), note };
      onDone(await got(api.PUT('/api/v1/room-levels/{code}/target', { params: { path }, body })));
      say(t('strategy.level.isSet'));
    } catch (error) {
      sayProblem(error);
      setBusy(false);
    }
  };
  return (
    <Sheet title={t('strategy.level.set')} onClose={onClose} testid="level-sheet">
      <form className="gate-form" onSubmit={(event) => void send(event)}>
        <p>{t('strategy.level.setSays')}</p>
        <label className="field">
          <span>{t('strategy.level.own', { low: level.low_c, high: level.high_c })}</span>
          <input
            className="input"
            type="number"
            required
            min={level.low_c}
            max={level.high_c}
            step={0.1}
            value={target}
            data-testid="level-target"
            onChange={(event) => setTarget(event.target.value)}
          />
        </label>
        <label className="field">
          <span>{t('strategy.level.note')}</span>
          <input
            className="input"
            maxLength={400}
            value={note}
            data-testid="level-note"
            onChange={(event) => setNote(event.target.value)}
          />
        </label>
        <button type="submit" className="btn main" disabled={busy} data-testid="level-send">
          {t('strategy.level.set')}
        </button>
      </form>
    </Sheet>
  );
}

function Points({ points }: { points: RoomLevelPoint[] }) {
  const { t } = useTranslation();
  const pct = (value: number | null) => (value === null ? '–' : `${showNumber(value, 1)} %`);
  const columns: Column<RoomLevelPoint>[] = [
    { name: 'outdoor', label: t('strategy.level.outdoor'), num: true, cell: (row) => degrees(row.outdoor_c) },
    { name: 'before', label: t('strategy.level.before'), num: true, cell: (row) => degrees(row.before_c, 2) },
    { name: 'shift', label: t('strategy.level.shift'), num: true, cell: (row) => signed(row.shift_k) },
    { name: 'level', label: t('strategy.level.learnt'), num: true, cell: (row) => degrees(row.level_c, 2) },
    { name: 'coldBefore', label: t('strategy.level.coldBefore'), num: true, cell: (row) => pct(row.cold_before_pct) },
    { name: 'coldExpected', label: t('strategy.level.coldExpected'), num: true, cell: (row) => pct(row.cold_expected_pct) },
  ];
  return (
    <Grid
      columns={columns}
      rows={points}
      rowKey={(row) => String(row.outdoor_c)}
      empty={t('strategy.level.none')}
      caption={t('strategy.level.title')}
      testid="level-points"
    />
  );
}

function Level({ level, of, onDone }: { level: RoomLevel; of: Resource<RoomLevel>; onDone: () => void }) {
  const { t } = useTranslation();
  const words = useStrategyWords();
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const version = level.version;
  const fresh = (next: RoomLevel) => {
    of.patch(() => next);
    setOpen(false);
    onDone();
  };
  const clear = async () => {
    setBusy(true);
    try {
      const path = { code: level.unit };
      fresh(await got(api.DELETE('/api/v1/room-levels/{code}/target', { params: { path } })));
      say(t('strategy.level.cleared'));
    } catch (error) {
      sayProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const figures: [string, string][] = [
    ['target', degrees(level.target_c, 1)],
    ['ownNow', degrees(level.own_c, 1)],
    ['learntNow', degrees(level.learnt_c, 1)],
    ['days', version ? String(version.days) : '–'],
    ['collectors', version ? String(version.collectors) : '–'],
  ];
  return (
    <>
      <header>
        <h2>{t('strategy.level.title')}</h2>
        <span className="tag" data-testid="level-source">
          {words.source(level.source)}
        </span>
        {may('command') && (
          <>
            <span className="grow" />
            <button type="button" className="btn tiny" data-testid="level-set" onClick={() => setOpen(true)}>
              {t(level.own_c === null ? 'strategy.level.set' : 'strategy.level.change')}
            </button>
            {level.own_c !== null && (
              <button type="button" className="btn tiny" disabled={busy} data-testid="level-clear" onClick={() => void clear()}>
                {t('strategy.level.clear')}
              </button>
            )}
          </>
        )}
      </header>
      <p className="panel-text" data-testid="level-why">
        {words.levelWhy(level.why)}
        {level.own_c !== null && (
          <span className="small muted">
            {' '}
            {t('strategy.level.setBy', { by: level.own_by, at: showTime(level.own_at, 'minute') })}
            {level.own_note && ` · ${level.own_note}`}
          </span>
        )}
      </p>
      <dl className="weather-figures">
        {figures.map(([name, value]) => (
          <div key={name} data-testid={`level-figure-${name}`}>
            <dt>{t(`strategy.level.${name as 'target'}`)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {version && version.points.length > 0 && <Points points={version.points} />}
      {version && (
        <p className="small muted panel-text">
          {t('strategy.level.learntFrom', {
            n: version.version,
            from: showTime(version.data_from, 'minute'),
            until: showTime(version.data_until, 'minute'),
          })}
        </p>
      )}
      {open && <OwnTarget level={level} onClose={() => setOpen(false)} onDone={fresh} />}
    </>
  );
}

interface LevelProps {
  unit: string;
  /** When its newest plan was made: targets move with the weather it was made for. */
  mark: string;
  onDone: () => void;
}

/** What is wanted of a unit's rooms, where it comes from, and a way to set it. */
export function UnitLevel({ unit, mark, onDone }: LevelProps) {
  const answer = useResource(
    () => got(api.GET('/api/v1/room-levels/{code}', { params: { path: { code: unit } } })),
    [unit, mark],
  );
  return (
    <section className="panel" data-testid="strategy-level">
      <Loaded of={answer} height={160}>
        {(level) => <Level level={level} of={answer} onDone={onDone} />}
      </Loaded>
    </section>
  );
}
