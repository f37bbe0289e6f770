import { Suspense, lazy, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { SavingsDay } from '../../api/savings-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Bones, Loaded } from '../../parts/states';
import { Curve } from './curve';

const SavingsChart = lazy(() => import('./chart'));
const SIZE = 14;

/** One unit day by day: chart of savings, and the days behind it. */
export function UnitSavings({ code }: { code: string }) {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const answer = useResource(
    () => got(api.GET('/api/v1/savings/units/{code}', { params: { path: { code } } })),
    [code],
  );
  const columns: Column<SavingsDay>[] = [
    { name: 'day', label: t('savings.day'), cell: (row) => row.day },
    { name: 'mode', label: t('savings.control'), cell: (row) => t(`savings.mode.${row.mode as 'curve'}`) },
    { name: 'outdoor', label: t('savings.outdoor'), num: true, cell: (row) => showNumber(row.outdoor_c, 1) },
    { name: 'heat', label: t('savings.heat'), num: true, cell: (row) => showNumber(row.heat_kwh, 0) },
    { name: 'cold', label: t('savings.cold'), num: true, cell: (row) => showNumber(row.cold_yuan, 0) },
    { name: 'cost', label: t('savings.cost'), num: true, cell: (row) => showNumber(row.cost_yuan, 0) },
    { name: 'tuning', label: t('savings.tuningAlone'), num: true, cell: (row) => showNumber(row.tuning_yuan, 0) },
    { name: 'expected', label: t('savings.expected'), num: true, cell: (row) => showNumber(row.expected_yuan, 0) },
    {
      name: 'saving',
      label: t('savings.saving'),
      num: true,
      cell: (row) =>
        row.saving_yuan === null || row.saving_yuan === undefined
          ? '–'
          : `${showNumber(row.saving_yuan, 0)} (${showNumber(row.low_yuan, 0)} … ${showNumber(row.high_yuan, 0)})`,
    },
  ];
  return (
    <Loaded of={answer} height={320}>
      {(data) => (
        <>
          <section className="panel" data-testid="savings-unit">
            <header>
              <h2>
                {named(data.figure)} <span className="code">{code}</span>
              </h2>
              {data.switch_back && <span className="tag raised">{t('savings.switchBack')}</span>}
            </header>
            {data.days.some((day) => day.saving_yuan !== null) ? (
              <Suspense fallback={<Bones height={280} />}>
                <SavingsChart days={data.days} height={280} />
              </Suspense>
            ) : (
              <p className="empty">{t('savings.fewDays')}</p>
            )}
            {data.cvrmse_pct !== null && data.cvrmse_pct !== undefined && (
              <p className="small muted panel-text savings-fit">{t('savings.fit', { error: showNumber(data.cvrmse_pct, 1) })}</p>
            )}
            <Grid
              columns={columns}
              rows={data.days.toReversed().slice((page - 1) * SIZE, page * SIZE)}
              rowKey={(row) => row.day}
              empty={t('savings.none')}
              caption={t('savings.days')}
              testid="savings-days"
            />
            {data.days.length > SIZE && <Pager page={page} size={SIZE} total={data.days.length} onPage={setPage} />}
          </section>
          <Curve data={data} onFresh={(fresh) => answer.patch(() => fresh)} />
        </>
      )}
    </Loaded>
  );
}
