import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, got } from '../../api/client';
import type { ModelPage, ModelSummary } from '../../api/model-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { Figure } from '../../parts/figure';
import { type Column, Grid, Pager } from '../../parts/grid';
import { PriorityMark, StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';
import '../../styles/figures.css';
import '../../styles/weather.css';
import '../../styles/forecast.css';
import { reasonText, signed } from './words';

const STATES = ['', 'learned', 'unlearned', 'drifting'] as const;
type State = (typeof STATES)[number];
const SIZE = 50;

function Counts({ page }: { page: ModelPage }) {
  const { t } = useTranslation();
  return (
    <dl className="figures" data-testid="models-counts">
      <Figure label={t('models.found')}>{page.total}</Figure>
      <Figure label={t('models.learned')}>{page.learned}</Figure>
      <Figure label={t('models.drifting')} raised={page.drifting > 0}>
        {page.drifting}
      </Figure>
    </dl>
  );
}

/** The model in force of every unit: how sure, how right, and whether it drifts. */
export default function ModelsPage() {
  const { t } = useTranslation();
  const [state, setState] = useState<State>('');
  const [search, setSearch] = useState('');
  const [page, setPage] = useState(1);
  const answer = useResource(
    () => got(api.GET('/api/v1/models', { params: { query: { state, search, page, size: SIZE } } })),
    [state, search, page],
  );
  const columns: Column<ModelSummary>[] = [
    {
      name: 'unit',
      label: t('models.unit'),
      cell: (row) => (
        <Link to={`/models/${encodeURIComponent(row.unit)}`} data-testid={`model-${row.unit}`}>
          {named(row)} <span className="code">{row.unit}</span>
        </Link>
      ),
    },
    {
      name: 'version',
      label: t('models.version'),
      cell: (row) =>
        row.version === null ? '–' : `${row.version} · ${t(row.learned ? 'models.isLearned' : 'models.isDesign')}`,
    },
    { name: 'loss', label: t('models.loss'), num: true, cell: (row) => signed(row.loss_kw_k, row.loss_sigma_pct) },
    { name: 'time', label: t('models.timeConstant'), num: true, cell: (row) => showNumber(row.time_constant_h, 0) },
    { name: 'mae', label: t('models.mae'), num: true, cell: (row) => showNumber(row.mae_k, 2) },
    {
      name: 'drift',
      label: t('models.drift'),
      num: true,
      cell: (row) => (
        <span className="nowrap">
          {row.drift > row.drift_limit ? <PriorityMark priority={3} size={16} /> : <StateMark state="normal" />}{' '}
          {showNumber(row.drift, 1)}
        </span>
      ),
    },
    { name: 'challenger', label: t('models.challenger'), num: true, cell: (row) => row.challenger ?? '–' },
    { name: 'state', label: t('models.lastNight'), cell: (row) => row.failure || reasonText(t, row.state) },
    { name: 'looked', label: t('models.looked'), cell: (row) => showTime(row.looked, 'minute') },
  ];
  return (
    <div className="page" data-testid="models-page">
      <header className="page-head">
        <h1>{t('nav.models')}</h1>
        <input
          className="input"
          type="search"
          value={search}
          placeholder={t('models.search')}
          aria-label={t('models.search')}
          data-testid="models-search"
          onChange={(event) => {
            setSearch(event.target.value);
            setPage(1);
          }}
        />
        <select
          className="select"
          value={state}
          aria-label={t('models.show')}
          data-testid="models-state"
          onChange={(event) => {
            setState(event.target.value as State);
            setPage(1);
          }}
        >
          {STATES.map((each) => (
            <option key={each} value={each}>
              {t(`models.filter.${each || 'all'}`)}
            </option>
          ))}
        </select>
      </header>
      <section className="panel">
        <Loaded of={answer} height={240}>
          {(data) => (
            <>
              <Counts page={data} />
              <p className="small muted panel-text">{t('models.about')}</p>
              <Grid
                columns={columns}
                rows={data.items}
                rowKey={(row) => row.unit}
                empty={t('models.none')}
                caption={t('nav.models')}
                testid="models-list"
              />
              {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
            </>
          )}
        </Loaded>
      </section>
    </div>
  );
}
