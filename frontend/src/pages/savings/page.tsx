import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { SavingsCheck, SavingsFigure, SavingsOverview } from '../../api/savings-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { ExportLink } from '../../parts/export-link';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { Loaded } from '../../parts/states';
import { sayProblem } from '../../parts/toast';
import '../../styles/weather.css';
import '../../styles/figures.css';
import '../../styles/forecast.css';
import { UnitSavings } from './unit';
import { baselineText, refusalText } from './words';

const SIZE = 50;

function interval(figure: SavingsFigure): string {
  if (figure.saving_pct === null || figure.saving_pct === undefined) return '–';
  return `${showNumber(figure.saving_pct, 1)} % (${showNumber(figure.low_pct, 1)} … ${showNumber(figure.high_pct, 1)} %)`;
}

function Verdict({ data }: { data: SavingsOverview }) {
  const { t } = useTranslation();
  const total = data.total;
  if (!total) {
    return (
      <div className="empty" data-testid="savings-verdict">
        <p>{t('savings.none')}</p>
        <p className="small">{t('savings.whatToDo')}</p>
      </div>
    );
  }
  const few = total.verdict === 'too_few_days';
  return (
    <>
      <p className="verdict" data-testid="savings-verdict">
        <strong>{t(`savings.verdict.${total.verdict as 'saving'}`)}</strong>
        {!few && <span>{interval(total)}</span>}
        <span className="muted">
          {t('savings.counted', { base: total.baseline_days, strategy: total.strategy_days })}
        </span>
      </p>
      <p className="small muted panel-text">
        {total.against === 'standing' && `${t('savings.byStanding')} `}
        {few
          ? t('savings.fewDays')
          : t('savings.explained', {
              level: showNumber(data.level_pct, 0),
              yuan: showNumber(total.saving_yuan, 0),
              low: showNumber(total.low_yuan, 0),
              high: showNumber(total.high_yuan, 0),
            })}{' '}
        {data.at && t('savings.judged', { at: showTime(data.at, 'minute'), entry: data.entry })}
      </p>
    </>
  );
}

function Chain() {
  const { t } = useTranslation();
  const [check, setCheck] = useState<SavingsCheck | null>(null);
  const verify = async () => {
    try {
      setCheck(await got(api.POST('/api/v1/savings/verify')));
    } catch (error) {
      sayProblem(error);
    }
  };
  return (
    <section className="panel">
      <header>
        <h2>{t('savings.chain')}</h2>
        <span className="grow" />
        <ExportLink href="/api/v1/savings/export" testid="savings-export">
          <Icon name="download" size={16} /> {t('savings.export')}
        </ExportLink>
        <button type="button" className="btn" data-testid="savings-verify" onClick={() => void verify()}>
          {t('savings.verify')}
        </button>
      </header>
      <p className="small muted panel-text">{t('savings.chainWhy')}</p>
      {check && (
        <p className="panel-text" role="status" data-testid="savings-check">
          {check.whole ? t('savings.whole', { n: check.entries }) : t('savings.broken', { n: check.broken })}{' '}
          <span className="code">{check.last.slice(0, 16)}</span>
        </p>
      )}
    </section>
  );
}

/** What the strategy saved against the tuned curve, cold rooms charged, and how sure that is. */
export default function SavingsPage() {
  const { t } = useTranslation();
  const [picked, setPicked] = useState('');
  const [page, setPage] = useState(1);
  const answer = useResource(() => got(api.GET('/api/v1/savings', { params: { query: { page, size: SIZE } } })), [page]);
  const chosen = picked || answer.data?.items[0]?.subject || '';
  const columns: Column<SavingsFigure>[] = [
    {
      name: 'unit',
      label: t('savings.unit'),
      cell: (row) => (
        <button type="button" className="link" aria-pressed={row.subject === chosen} onClick={() => setPicked(row.subject)}>
          {named(row)} <span className="code">{row.subject}</span>
        </button>
      ),
    },
    { name: 'verdict', label: t('savings.said'), cell: (row) => t(`savings.verdict.${row.verdict as 'saving'}`) },
    {
      name: 'against',
      label: t('savings.against'),
      cell: (row) => (
        <>
          {baselineText(t, row.baseline)}
          {row.reason && <span className="muted small"> {refusalText(t, row.reason)}</span>}
        </>
      ),
    },
    { name: 'saving', label: t('savings.saving'), num: true, cell: interval },
    { name: 'yuan', label: t('savings.savingYuan'), num: true, cell: (row) => (row.verdict === 'too_few_days' ? '–' : showNumber(row.saving_yuan, 0)) },
    { name: 'tuning', label: t('savings.tuningAlone'), num: true, cell: (row) => (row.against === 'tuned' ? showNumber(row.tuning_yuan, 0) : '–') },
    { name: 'base', label: t('savings.baseDays'), num: true, cell: (row) => row.baseline_days },
    { name: 'strategy', label: t('savings.strategyDays'), num: true, cell: (row) => row.strategy_days },
  ];
  return (
    <div className="page" data-testid="savings-page">
      <header className="page-head">
        <h1>{t('nav.savings')}</h1>
      </header>
      <section className="panel">
        <Loaded of={answer} height={90}>
          {(data) => <Verdict data={data} />}
        </Loaded>
      </section>
      {chosen && <UnitSavings code={chosen} key={chosen} />}
      {(answer.data?.items.length ?? 0) > 0 && (
        <section className="panel">
          <header>
            <h2>{t('savings.units')}</h2>
          </header>
          <Loaded of={answer} height={200}>
            {(data) => (
              <>
                <Grid
                  columns={columns}
                  rows={data.items}
                  rowKey={(row) => row.subject}
                  rowTestid={(row) => `savings-${row.subject}`}
                  empty={t('savings.none')}
                  caption={t('savings.units')}
                  testid="savings-units"
                />
                {data.count > SIZE && <Pager page={page} size={SIZE} total={data.count} onPage={setPage} />}
              </>
            )}
          </Loaded>
        </section>
      )}
      <Chain />
    </div>
  );
}
