import { type FormEvent, Suspense, lazy, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { api, got } from '../../api/client';
import type { ModelDetail, ModelEvent, ModelVersion } from '../../api/model-views';
import { may } from '../../api/session';
import { showNumber } from '../../base/format';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { Figure } from '../../parts/figure';
import { type Column, Grid } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { Sheet } from '../../parts/sheet';
import { Bones, Loaded } from '../../parts/states';
import { say } from '../../parts/toast';
import '../../styles/figures.css';
import '../../styles/weather.css';
import '../../styles/forecast.css';
import { Card } from './card';
import { Characteristics } from './characteristics';
import { actionText, doubtText, kindText, numberOf, reasonText, signed, stageText } from './words';

const ErrorChart = lazy(() => import('./chart'));

type Kind = 'building' | 'curve' | 'valve' | 'exchanger';

interface RollBackProps {
  unit: string;
  kind: Kind;
  onClose: () => void;
  onDone: (fresh: ModelDetail) => void;
}

function RollBack({ unit, kind, onClose, onDone }: RollBackProps) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const send = async (event: FormEvent) => {
    event.preventDefault();
    try {
      const path = { unit };
      onDone(await got(api.POST('/api/v1/models/{unit}/rollback', { params: { path }, body: { reason, kind } })));
      say(t('models.rolledBack'));
    } catch (error) {
      say(problemText(error));
    }
  };
  return (
    <Sheet title={t('models.rollBack')} onClose={onClose} testid="model-rollback-sheet">
      <form className="form" onSubmit={(event) => void send(event)}>
        <p>{t('models.rollBackSays')}</p>
        <label className="field">
          <span>{t('models.reason')}</span>
          <input
            className="input"
            required
            maxLength={500}
            value={reason}
            data-testid="model-rollback-reason"
            onChange={(event) => setReason(event.target.value)}
          />
        </label>
        <button type="submit" className="btn main" data-testid="model-rollback-send">
          {t('models.rollBack')}
        </button>
      </form>
    </Sheet>
  );
}

function Versions({ versions }: { versions: ModelVersion[] }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<number | null>(null);
  const shown = versions.find((each) => each.version === open) ?? versions.find((each) => each.stage === 'champion');
  const columns: Column<ModelVersion>[] = [
    {
      name: 'version',
      label: t('models.version'),
      cell: (row) => (
        <button type="button" className="link" aria-pressed={row === shown} onClick={() => setOpen(row.version)}>
          {t('models.versionN', { n: row.version })}
        </button>
      ),
    },
    { name: 'stage', label: t('models.stage'), cell: (row) => stageText(t, row.stage) },
    { name: 'at', label: t('models.made'), cell: (row) => showTime(row.at, 'minute') },
    { name: 'days', label: t('models.days'), num: true, cell: (row) => showNumber(numberOf(row.card, 'days'), 0) },
    { name: 'fit', label: t('models.fitError'), num: true, cell: (row) => showNumber(numberOf(row.card, 'fit_rmse_k'), 2) },
    {
      name: 'p',
      label: t('models.pValue'),
      num: true,
      cell: (row) => showNumber(numberOf(row.card, 'verdict', 'p_value'), 4),
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('models.versions')}</h2>
      </header>
      {shown && <Card version={shown} />}
      <Grid
        columns={columns}
        rows={versions}
        rowKey={(row) => String(row.version)}
        empty={t('models.none')}
        caption={t('models.versions')}
        testid="model-versions"
      />
    </section>
  );
}

function Events({ events }: { events: ModelEvent[] }) {
  const { t } = useTranslation();
  const columns: Column<ModelEvent>[] = [
    { name: 'at', label: t('models.at'), cell: (row) => showTime(row.at, 'minute') },
    { name: 'version', label: t('models.version'), cell: (row) => t('models.versionN', { n: row.version }) },
    { name: 'kind', label: t('models.kind'), cell: (row) => kindText(t, row.kind) },
    { name: 'action', label: t('models.action'), cell: (row) => actionText(t, row.action) },
    { name: 'reason', label: t('models.reason'), cell: (row) => reasonText(t, row.reason) },
    {
      name: 'gain',
      label: t('models.compared'),
      cell: (row) => {
        const before = numberOf(row.detail, 'verdict', 'old_mae_k');
        const after = numberOf(row.detail, 'verdict', 'new_mae_k');
        const note = row.detail['note'] ?? row.detail['doubt'];
        if (typeof note === 'string') return doubtText(t, note);
        return before === null ? '–' : `${showNumber(before, 2)} → ${showNumber(after, 2)} ${row.kind === 'valve' || row.kind === 'exchanger' ? '%' : 'K'}`;
      },
    },
    { name: 'by', label: t('models.by'), cell: (row) => (row.by === 'learning' ? t('models.itself') : row.by) },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('models.events')}</h2>
      </header>
      <Grid
        columns={columns}
        rows={events}
        rowKey={(row) => `${row.at} ${row.kind} ${row.version} ${row.action}`}
        empty={t('models.noEvents')}
        caption={t('models.events')}
        testid="model-events"
      />
    </section>
  );
}

/** One unit's model: in force, its card, its daily errors, its versions, what happened. */
export default function ModelPage() {
  const { t } = useTranslation();
  const { unit = '' } = useParams();
  const [asking, setAsking] = useState<Kind | null>(null);
  const [learning, setLearning] = useState(false);
  const answer = useResource(() => got(api.GET('/api/v1/models/{unit}', { params: { path: { unit } } })), [unit]);
  const { patch } = answer;
  const learn = async () => {
    setLearning(true);
    try {
      const fresh = await got(api.POST('/api/v1/models/{unit}/learn', { params: { path: { unit } } }));
      patch(() => fresh);
    } catch (error) {
      say(problemText(error));
    } finally {
      setLearning(false);
    }
  };
  const summary = answer.data?.summary;
  return (
    <div className="page" data-testid="model-page">
      <header className="page-head">
        <Link className="btn plain icon" to="/models" aria-label={t('nav.models')}>
          <Icon name="back" />
        </Link>
        <h1>{summary ? named(summary) : unit}</h1>
        <span className="code">{unit}</span>
        <span className="grow" />
        {may('command') && (
          <>
            <button type="button" className="btn" disabled={learning} data-testid="model-learn" onClick={() => void learn()}>
              <Icon name="refresh" size={16} /> {t('models.learnNow')}
            </button>
            {summary?.former != null && (
              <button type="button" className="btn" data-testid="model-rollback" onClick={() => setAsking('building')}>
                {t('models.rollBack')}
              </button>
            )}
          </>
        )}
      </header>
      <Loaded of={answer} height={300}>
        {(data) => (
          <>
            <section className="panel">
              {data.summary.failure && (
                <p className="panel-text" role="alert">
                  {data.summary.failure}
                </p>
              )}
              <dl className="figures" data-testid="model-figures">
                <Figure label={t('models.version')}>{data.summary.version ?? '–'}</Figure>
                <Figure label={t('models.loss')}>{signed(data.summary.loss_kw_k, data.summary.loss_sigma_pct)}</Figure>
                <Figure label={t('models.timeConstant')}>{showNumber(data.summary.time_constant_h, 0)}</Figure>
                <Figure label={t('models.mae')}>{showNumber(data.summary.mae_k, 2)}</Figure>
                <Figure label={t('models.drift')} raised={data.summary.drift > data.summary.drift_limit}>
                  {showNumber(data.summary.drift, 1)} <small>/ {showNumber(data.summary.drift_limit, 0)}</small>
                </Figure>
                <div>
                  <dt>{t('models.lastNight')}</dt>
                  <dd className="words">{reasonText(t, data.summary.state)}</dd>
                </div>
              </dl>
            </section>
            <section className="panel">
              <header>
                <h2>{t('models.errors')}</h2>
              </header>
              {data.days.length === 0 ? (
                <p className="empty">{t('models.noDays')}</p>
              ) : (
                <Suspense fallback={<Bones height={260} />}>
                  <ErrorChart days={data.days} height={260} />
                </Suspense>
              )}
            </section>
            <Versions versions={data.versions} />
            <Characteristics rows={data.characteristics} onRollBack={setAsking} />
            <Events events={data.events} />
          </>
        )}
      </Loaded>
      {asking && (
        <RollBack
          unit={unit}
          kind={asking}
          onClose={() => setAsking(null)}
          onDone={(fresh) => {
            patch(() => fresh);
            setAsking(null);
          }}
        />
      )}
    </div>
  );
}
