import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, got } from '../../api/client';
import type { AutomaticRow, SmartClass } from '../../api/forecast-views';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Segmented } from '../../parts/segmented';
import { Loaded } from '../../parts/states';

const DAYS = ['1', '7', '30'] as const;
type Days = (typeof DAYS)[number];
const SIZE = 20;

function Share({ of }: { of: number | null }) {
  return (
    <span className="nowrap">
      <span className="share-bar" aria-hidden="true">
        <i style={{ width: `${of ?? 0}%` }} />
      </span>
      <span>{of === null ? '–' : `${showNumber(of, 1)} %`}</span>
    </span>
  );
}

/** Hours in automatic over heating hours, the lowest station first. */
export function Automatic() {
  const { t } = useTranslation();
  const [days, setDays] = useState<Days>('7');
  const [page, setPage] = useState(1);
  const answer = useResource(
    () =>
      got(api.GET('/api/v1/supervision/automatic', { params: { query: { days: Number(days), page, size: SIZE } } })),
    [days, page],
  );
  const columns: Column<AutomaticRow>[] = [
    {
      name: 'station',
      label: t('supervision.station'),
      cell: (row) => (
        <>
          <Link to={`/substations/${row.code}`}>{named(row)}</Link> <span className="code">{row.code}</span>
        </>
      ),
    },
    { name: 'heating', label: t('supervision.heatingHours'), num: true, cell: (row) => `${showNumber(row.heating_h, 0)} h` },
    { name: 'automatic', label: t('supervision.automaticShare'), num: true, cell: (row) => <Share of={row.automatic_pct} /> },
    { name: 'platform', label: t('supervision.platformShare'), num: true, cell: (row) => <Share of={row.platform_pct} /> },
    { name: 'unknown', label: t('supervision.unknownHours'), num: true, cell: (row) => `${showNumber(row.unknown_h, 0)} h` },
  ];
  return (
    <section className="panel" data-testid="supervision-automatic">
      <Loaded of={answer} height={200}>
        {(data) => (
          <>
            <header>
              <h2>{t('supervision.automatic')}</h2>
              <strong data-testid="automatic-pct">{showNumber(data.automatic_pct, 1)} %</strong>
              <span className="grow" />
              <Segmented
                label={t('supervision.days')}
                value={days}
                choices={DAYS.map((value) => ({ value, label: t('supervision.lastDays', { n: value }) }))}
                onChoose={(next) => {
                  setDays(next);
                  setPage(1);
                }}
                testid="automatic-days"
              />
            </header>
            <p className="small muted period-about">{t('supervision.automaticHelp')}</p>
            <Grid
              columns={columns}
              rows={data.rows}
              rowKey={(row) => row.code}
              empty={t('supervision.noHeating')}
              caption={t('supervision.automatic')}
            />
            {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
          </>
        )}
      </Loaded>
    </section>
  );
}

/** How many of the devices are digital, tell their state and can be set from afar. */
export function Smart() {
  const { t } = useTranslation();
  const answer = useResource(() => got(api.GET('/api/v1/supervision/smart-devices')), []);
  const columns: Column<SmartClass>[] = [
    {
      name: 'class',
      label: t('supervision.deviceClass'),
      cell: (row) => (
        <>
          {named(row)} {!row.main && <span className="tag">{t('supervision.notMain')}</span>}
        </>
      ),
    },
    { name: 'group', label: t('supervision.group'), cell: (row) => <span className="nowrap">{t(`supervision.groups.${row.group as 'control'}`)}</span> },
    { name: 'total', label: t('supervision.devices'), num: true, cell: (row) => row.total },
    { name: 'digital', label: t('supervision.digital'), num: true, cell: (row) => row.digital },
    { name: 'status', label: t('supervision.status'), num: true, cell: (row) => row.status },
    { name: 'remote', label: t('supervision.remote'), num: true, cell: (row) => row.remote },
    { name: 'share', label: t('supervision.smart'), num: true, cell: (row) => <Share of={row.share_pct} /> },
    {
      name: 'lacking',
      label: t('supervision.lacking'),
      cell: (row) =>
        row.lacking.length === 0 ? (
          '–'
        ) : (
          <span className="small code">
            {row.lacking.slice(0, 3).join(', ')}
            {row.lacking.length > 3 && ' …'}
          </span>
        ),
    },
  ];
  return (
    <section className="panel" data-testid="supervision-smart">
      <Loaded of={answer} height={200}>
        {(data) => (
          <>
            <header>
              <h2>{t('supervision.smartDevices')}</h2>
              <strong data-testid="smart-pct">{showNumber(data.main_pct, 1)} %</strong>
              <span className="small muted">{t('supervision.ofMain', { smart: data.main_smart, total: data.main_total })}</span>
            </header>
            <p className="small muted period-about">{t('supervision.smartHelp')}</p>
            <Grid
              columns={columns}
              rows={data.classes}
              rowKey={(row) => row.name}
              empty={t('supervision.noDevices')}
              caption={t('supervision.smartDevices')}
            />
          </>
        )}
      </Loaded>
    </section>
  );
}
