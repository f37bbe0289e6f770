import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { DayDigest } from '../../api/keeping-views';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid, Pager } from '../../parts/grid';
import { PriorityMark, StateMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';

const SIZE = 20;

/** Every day's digest, and whether the day still has it. */
export function Integrity({ keeper }: { keeper: boolean }) {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const [misfits, setMisfits] = useState(false);
  const list = useResource(
    () => got(api.GET('/api/v1/keeping/integrity', { params: { query: { misfits, page, size: SIZE } } })),
    [misfits, page],
  );
  const check = async () => {
    try {
      await got(api.POST('/api/v1/keeping/integrity'));
      say(t('keeping.checking'));
      list.reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const columns: Column<DayDigest>[] = [
    { name: 'day', label: t('keeping.day'), cell: (row) => row.day },
    { name: 'samples', label: t('keeping.samples'), num: true, cell: (row) => row.samples },
    {
      name: 'digest',
      label: t('keeping.digest'),
      cell: (row) => (
        <span className="code" title={row.digest}>
          {row.digest.slice(0, 16)}…
        </span>
      ),
    },
    {
      name: 'why',
      label: t('keeping.version'),
      cell: (row) => `${row.version} · ${t(`keeping.reasons.${row.reason as 'first'}`)}`,
    },
    { name: 'checked', label: t('keeping.checked'), cell: (row) => showTime(row.checked_at, 'minute') },
    {
      name: 'fits',
      label: t('keeping.state'),
      cell: (row) => (
        <span className="nowrap">
          {row.fits ? <StateMark state="normal" /> : <PriorityMark priority={1} size={16} />}{' '}
          {t(row.fits ? 'keeping.fits' : 'keeping.altered')}
        </span>
      ),
    },
  ];
  return (
    <section className="panel" data-testid="keeping-integrity">
      <header>
        <h2>{t('keeping.integrity')}</h2>
        {list.data && list.data.misfits > 0 && <span className="tag raised">{t('keeping.misfits', { count: list.data.misfits })}</span>}
        <span className="grow" />
        <label className="row small">
          <input
            type="checkbox"
            checked={misfits}
            onChange={(event) => {
              setMisfits(event.target.checked);
              setPage(1);
            }}
          />
          {t('keeping.misfitsOnly')}
        </label>
        {keeper && (
          <button type="button" className="btn" disabled={list.data?.checking} data-testid="check-integrity" onClick={() => void check()}>
            {t('keeping.checkNow')}
          </button>
        )}
      </header>
      <Loaded of={list} height={160}>
        {(data) => (
          <>
            <Grid
              columns={columns}
              rows={data.items}
              rowKey={(row) => `${row.day} ${row.version}`}
              empty={t(misfits ? 'keeping.noMisfits' : 'keeping.noDays')}
              caption={t('keeping.integrity')}
            />
            {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
          </>
        )}
      </Loaded>
    </section>
  );
}
