import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { ForecastSkillRow } from '../../api/forecast-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Loaded } from '../../parts/states';

const SIZE = 10;

/** How right the day-ahead forecasts of a week were, beside those of the day before. */
export function Skill({ kind, mark }: { kind: '' | 'source' | 'substation' | 'building'; mark: string }) {
  const { t } = useTranslation();
  const [week, setWeek] = useState('');
  const [page, setPage] = useState(1);
  const answer = useResource(
    () =>
      got(api.GET('/api/v1/forecasts/skill', { params: { query: { ...(week && { week }), kind, page, size: SIZE } } })),
    [week, kind, page, mark],
  );
  const figure = (row: ForecastSkillRow, value: number | null) =>
    value === null ? '–' : `${showNumber(value, row.quantity === 'heat_kw' ? 0 : 2)} ${row.quantity === 'heat_kw' ? 'kW' : 'K'}`;
  const columns: Column<ForecastSkillRow>[] = [
    {
      name: 'subject',
      label: t('forecast.subject'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.code}</span>
        </>
      ),
    },
    { name: 'hours', label: t('forecast.hours'), num: true, cell: (row) => row.hours },
    { name: 'mae', label: 'MAE', num: true, cell: (row) => figure(row, row.mae) },
    { name: 'rmse', label: 'RMSE', num: true, cell: (row) => figure(row, row.rmse) },
    {
      name: 'mape',
      label: 'MAPE',
      num: true,
      cell: (row) => (row.quantity === 'heat_kw' && row.mape_pct !== null ? `${showNumber(row.mape_pct, 1)} %` : '–'),
    },
    { name: 'coverage', label: t('forecast.coverage'), num: true, cell: (row) => `${showNumber(row.coverage_pct, 0)} %` },
    { name: 'naive', label: t('forecast.naiveMae'), num: true, cell: (row) => figure(row, row.naive_mae) },
  ];
  return (
    <section className="panel" data-testid="forecast-skill">
      <Loaded of={answer} height={160}>
        {(data) => (
          <>
            <header>
              <h2>{t('forecast.skill')}</h2>
              {data.hindcast_days > 0 && (
                <span className="tag" title={t('forecast.hindcastHelp')}>
                  {t('forecast.hindcastDays', { n: data.hindcast_days })}
                </span>
              )}
              <span className="grow" />
              {data.weeks.length > 0 && (
                <select
                  className="select"
                  aria-label={t('forecast.week')}
                  value={data.week}
                  data-testid="forecast-week"
                  onChange={(event) => {
                    setWeek(event.target.value);
                    setPage(1);
                  }}
                >
                  {data.weeks.map((each) => (
                    <option key={each} value={each}>
                      {t('forecast.weekOf', { day: showTime(each, 'day') })}
                    </option>
                  ))}
                </select>
              )}
            </header>
            <Grid
              columns={columns}
              rows={data.rows}
              rowKey={(row) => row.code}
              empty={t('forecast.noSkill')}
              caption={t('forecast.skill')}
              testid="forecast-skill-grid"
            />
            {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
          </>
        )}
      </Loaded>
    </section>
  );
}
