import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { api, got } from '../../api/client';
import type { ForecastSubject } from '../../api/forecast-views';
import { may } from '../../api/session';
import { showNumber, showPower } from '../../base/format';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';
import '../../styles/weather.css';
import '../../styles/forecast.css';
import { Detail } from './detail';
import { Skill } from './skill';

const KINDS = ['', 'source', 'substation', 'building'] as const;
type Kind = (typeof KINDS)[number];
const SIZE = 12;

function figure(row: ForecastSubject, value: number | null): string {
  if (value === null) return '–';
  if (row.quantity !== 'heat_kw') return `${showNumber(value, 1)} °C`;
  const power = showPower(value);
  return `${power.value} ${power.unit}`;
}

/** Heat and rooms of the days ahead: what is expected, why, and how right it has been. */
export default function ForecastPage() {
  const { t } = useTranslation();
  const [words, setWords] = useSearchParams();
  const [kind, setKind] = useState<Kind>('');
  const [page, setPage] = useState(1);
  const status = useResource(
    () => got(api.GET('/api/v1/forecasts', { params: { query: { kind, page, size: SIZE } } })),
    [kind, page],
  );
  const { reload } = status;
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && reload(), 20_000);
    return () => window.clearInterval(timer);
  }, [reload]);
  const ask = async () => {
    try {
      await got(api.POST('/api/v1/forecasts/issue'));
      say(t('forecast.asked'));
      reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const choose = (code: string) =>
    setWords(
      (old) => {
        old.set('subject', code);
        return old;
      },
      { replace: true },
    );
  const chosen = words.get('subject') ?? status.data?.subjects[0]?.code ?? '';
  const mark = String(status.data?.last?.number ?? '');
  const columns: Column<ForecastSubject>[] = [
    {
      name: 'subject',
      label: t('forecast.subject'),
      cell: (row) => (
        <button type="button" className="link" aria-pressed={row.code === chosen} onClick={() => choose(row.code)}>
          {named(row)} <span className="code">{row.code}</span>
        </button>
      ),
    },
    { name: 'kind', label: t('forecast.kind'), cell: (row) => t(`forecast.kinds.${row.kind as 'source'}`) },
    { name: 'day', label: t('forecast.nextDay'), num: true, cell: (row) => figure(row, row.next_day) },
    { name: 'peak', label: t('forecast.peak'), num: true, cell: (row) => figure(row, row.peak) },
    {
      name: 'model',
      label: t('forecast.model'),
      cell: (row) => (row.model ? t(`forecast.models.${row.model as 'blend'}`) : t('forecast.noModel')),
    },
  ];
  return (
    <div className="page" data-testid="forecast-page">
      <header className="page-head">
        <h1>{t('nav.forecast')}</h1>
        <Segmented
          label={t('forecast.kind')}
          value={kind}
          choices={KINDS.map((value) => ({ value, label: t(`forecast.kindChoices.${value || 'all'}`) }))}
          onChoose={(next) => {
            setKind(next);
            setPage(1);
          }}
          testid="forecast-kind"
        />
        <span className="grow" />
        {status.data?.running && <span className="tag">{t('forecast.running')}</span>}
        {status.data?.late && <span className="tag raised">{t('forecast.late')}</span>}
        {may('command') && (
          <button type="button" className="btn" data-testid="forecast-ask" onClick={() => void ask()}>
            <Icon name="refresh" size={16} /> {t('forecast.ask')}
          </button>
        )}
      </header>
      {chosen && <Detail code={chosen} mark={mark} />}
      <section className="panel" data-testid="forecast-subjects">
        <Loaded of={status} height={160}>
          {(data) => (
            <>
              <header>
                <h2>{t('forecast.subjects')}</h2>
                <span className="small muted" data-testid="forecast-last">
                  {data.last
                    ? t('forecast.lastIssue', {
                        at: showTime(data.last.known, 'minute'),
                        n: data.last.subjects,
                        failed: data.last.failed,
                        took: showNumber(data.last.took_s, 1),
                        next: showTime(data.next_due, 'minute'),
                      })
                    : t('forecast.waiting')}
                </span>
              </header>
              {data.failure && <p className="small panel-text forecast-failure" role="alert">{data.failure}</p>}
              <Grid
                columns={columns}
                rows={data.subjects}
                rowKey={(row) => row.code}
                rowTestid={(row) => `forecast-row-${row.code}`}
                empty={t('forecast.nothing')}
                caption={t('forecast.subjects')}
              />
              {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
            </>
          )}
        </Loaded>
      </section>
      <Skill kind={kind} mark={mark} key={kind} />
    </div>
  );
}
