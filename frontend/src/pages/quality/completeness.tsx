import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { got } from '../../api/client';
import { type PlaceCompleteness, qualityApi } from '../../api/quality';
import { useResource } from '../../base/resource';
import { useStore } from '../../base/store';
import { showTime, timeZone } from '../../base/time';
import { named } from '../../i18n';
import { plantClock, plantNow } from '../../live/clock';
import { type Column, Grid } from '../../parts/grid';
import { Bones, Loaded } from '../../parts/states';

function Share({ pct, required }: { pct: number | null; required: number }) {
  if (pct === null) return <>–</>;
  return (
    <span className={`share${pct < required ? ' low' : ''}`}>
      <i aria-hidden="true">
        <b style={{ width: `${Math.min(Math.max(pct, 0), 100)}%` }} />
      </i>
      {pct.toFixed(2)} %
    </span>
  );
}

/** Today in the company's zone, once plant time is known. */
function useToday(): string {
  const clock = useStore(plantClock);
  useStore(timeZone);
  return clock === null ? '' : showTime(plantNow(), 'day');
}

/** How much of a day arrived, place by place. */
export function Completeness() {
  const today = useToday();
  const [day, setDay] = useState(today);
  useEffect(() => {
    if (today !== '') setDay((chosen) => chosen || today);
  }, [today]);
  return day === '' ? <Bones height={160} /> : <OfDay day={day} onDay={setDay} />;
}

function OfDay({ day, onDay }: { day: string; onDay: (day: string) => void }) {
  const { t } = useTranslation();
  const answer = useResource(
    () => got(qualityApi.GET('/api/v1/quality/completeness', { params: { query: { date: day } } })),
    [day],
  );
  const required = answer.data?.required_pct ?? 98;
  const columns: Column<PlaceCompleteness>[] = [
    {
      name: 'place',
      label: t('abnormal.place'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.asset}</span>
        </>
      ),
    },
    { name: 'points', label: t('abnormal.points'), num: true, cell: (row) => row.points },
    { name: 'stored', label: t('abnormal.stored'), num: true, cell: (row) => `${row.stored} / ${row.expected}` },
    { name: 'share', label: t('abnormal.share'), cell: (row) => <Share pct={row.share_pct} required={required} /> },
    {
      name: 'worst',
      label: t('abnormal.worst'),
      cell: (row) =>
        row.worst_point && row.worst_pct !== null && row.worst_pct < 100 ? (
          <span className="small">
            <span className="code">{row.worst_point}</span> {row.worst_pct.toFixed(1)} %
          </span>
        ) : (
          '–'
        ),
    },
  ];
  return (
    <section className="panel" data-testid="quality-completeness">
      <header>
        <h2>{t('abnormal.completeness')}</h2>
        <span className="grow" />
        {answer.data && (
          <span className="quality-whole" data-testid="quality-whole">
            <Share pct={answer.data.share_pct} required={required} />
            <span className="small muted">{t('abnormal.required', { pct: required })}</span>
          </span>
        )}
        <input
          className="input"
          type="date"
          aria-label={t('abnormal.day')}
          value={day}
          data-testid="quality-day"
          onChange={(event) => event.target.value && onDay(event.target.value)}
        />
      </header>
      <Loaded of={answer}>
        {(data) => (
          <Grid
            columns={columns}
            rows={data.places}
            rowKey={(row) => row.asset}
            empty={t('abnormal.noPlaces')}
            caption={t('abnormal.completeness')}
            testid="quality-places"
          />
        )}
      </Loaded>
    </section>
  );
}
