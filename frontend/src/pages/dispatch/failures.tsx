import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { NMinusOneRow } from '../../api/dispatch-views';
import { may } from '../../api/session';
import { showNumber } from '../../base/format';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { PriorityMark, StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';

interface FailuresProps {
  network: string;
  busy: boolean;
  onTry: (code: string) => void;
}

/** What the failure of each source and unit would leave uncovered, and a plan for it on demand. */
export function Failures({ network, busy, onTry }: FailuresProps) {
  const { t } = useTranslation();
  const answer = useResource(
    () => got(api.GET('/api/v1/dispatch/n-1', { params: { query: { network } } })),
    [network],
  );
  const mw = (kw: number) => `${showNumber(kw / 1000, 1)} MW`;
  const hours = (row: NMinusOneRow, h: number | null) =>
    row.uncovered_kw > 0 && h !== null ? `${showNumber(h, 1)} h` : '–';
  const columns: Column<NMinusOneRow>[] = [
    {
      name: 'subject',
      label: t('dispatch.failed'),
      cell: (row) => (
        <>
          {named(row)} <span className="code">{row.subject}</span>
        </>
      ),
    },
    { name: 'lost', label: t('dispatch.lost'), num: true, cell: (row) => mw(row.lost_kw) },
    { name: 'left', label: t('dispatch.left'), num: true, cell: (row) => mw(row.left_kw) },
    { name: 'open', label: t('dispatch.uncovered'), num: true, cell: (row) => mw(row.uncovered_kw) },
    { name: 'share', label: t('dispatch.covered'), num: true, cell: (row) => `${showNumber(row.covered_pct, 0)} %` },
    {
      name: 'holds',
      label: t('dispatch.verdict'),
      cell: (row) => (
        <span className="nowrap">
          {row.holds ? <StateMark state="normal" size={16} /> : <PriorityMark priority={3} size={16} />}{' '}
          {t(row.holds ? 'dispatch.holds' : 'dispatch.holdsNot')}
        </span>
      ),
    },
    { name: 'tank', label: t('dispatch.byStorage'), num: true, cell: (row) => hours(row, row.storage_h) },
    { name: 'houses', label: t('dispatch.byHouses'), num: true, cell: (row) => hours(row, row.houses_h) },
    {
      name: 'try',
      label: <span className="hidden-label">{t('dispatch.whatIf')}</span>,
      cell: (row) =>
        may('command') && (
          <button
            type="button"
            className="btn tiny"
            disabled={busy}
            data-testid={`dispatch-try-${row.subject}`}
            onClick={() => onTry(row.subject)}
          >
            {t('dispatch.whatIf')}
          </button>
        ),
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('dispatch.nMinusOne')}</h2>
        {answer.data && (
          <span className="small muted">
            {t('dispatch.nMinusOneAt', {
              outdoor: showNumber(answer.data.outdoor_c, 0),
              need: mw(answer.data.need_kw),
              least: showNumber(answer.data.least_pct, 0),
              room: showNumber(answer.data.least_room_c, 0),
            })}
          </span>
        )}
      </header>
      <Loaded of={answer} height={160}>
        {(data) => (
          <Grid
            columns={columns}
            rows={data.rows}
            rowKey={(row) => row.subject}
            empty={t('dispatch.noUnits')}
            caption={t('dispatch.nMinusOne')}
            testid="dispatch-n-1"
          />
        )}
      </Loaded>
    </section>
  );
}
