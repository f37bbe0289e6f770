import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { SecurityEvent } from '../../api/security-views';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid, Pager } from '../../parts/grid';
import { PriorityMark } from '../../parts/mark';
import { Loaded } from '../../parts/states';

const SIZE = 50;

/** The facts of an event, in one line. */
function told(facts: Record<string, unknown>): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join(' · ');
}

/** Security events with filters, the newest first, each with what to do about it. */
export function Events() {
  const { t, i18n } = useTranslation();
  const zh = i18n.language.startsWith('zh');
  const [kind, setKind] = useState('');
  const [severity, setSeverity] = useState('');
  const [word, setWord] = useState('');
  const [page, setPage] = useState(1);
  const kinds = useResource(() => got(api.GET('/api/v1/security/kinds')), []);
  const query = {
    kind,
    word,
    page,
    size: SIZE,
    ...(severity ? { severity: Number(severity) } : {}),
  };
  const list = useResource(() => got(api.GET('/api/v1/security/events', { params: { query } })), [kind, severity, word, page]);
  const columns: Column<SecurityEvent>[] = [
    { name: 'at', label: t('security.lastAt'), cell: (row) => <span className="nowrap">{showTime(row.last_at)}</span> },
    {
      name: 'kind',
      label: t('security.kind'),
      cell: (row) => (
        <>
          <span className="nowrap">
            <PriorityMark priority={row.severity} size={16} /> {zh ? row.zh : row.en}
          </span>
          <div className="small muted">{zh ? row.advice_zh : row.advice_en}</div>
        </>
      ),
    },
    { name: 'subject', label: t('security.subject'), cell: (row) => row.subject || '–' },
    { name: 'address', label: t('security.address'), cell: (row) => row.address || '–' },
    { name: 'count', label: t('security.count'), num: true, cell: (row) => row.count },
    { name: 'facts', label: t('security.facts'), cell: (row) => <span className="small">{told(row.facts) || '–'}</span> },
  ];
  return (
    <section className="panel" data-testid="security-events">
      <header>
        <h2>{t('security.parts.events')}</h2>
        <span className="grow" />
        <select
          className="select"
          aria-label={t('security.kind')}
          value={kind}
          data-testid="event-kind"
          onChange={(event) => {
            setKind(event.target.value);
            setPage(1);
          }}
        >
          <option value="">{t('security.allKinds')}</option>
          {kinds.data?.items.map((each) => (
            <option key={each.code} value={each.code}>
              {zh ? each.zh : each.en} ({each.week})
            </option>
          ))}
        </select>
        <select
          className="select"
          aria-label={t('security.severity')}
          value={severity}
          onChange={(event) => {
            setSeverity(event.target.value);
            setPage(1);
          }}
        >
          <option value="">{t('security.allSeverities')}</option>
          {['1', '2', '3'].map((each) => (
            <option key={each} value={each}>
              {t('security.atLeast', { n: each })}
            </option>
          ))}
        </select>
        <input
          className="input"
          type="search"
          placeholder={t('security.search')}
          aria-label={t('security.search')}
          maxLength={120}
          value={word}
          onChange={(event) => {
            setWord(event.target.value);
            setPage(1);
          }}
        />
      </header>
      <Loaded of={list}>
        {(data) => (
          <>
            <Grid
              columns={columns}
              rows={data.items}
              rowKey={(row) => String(row.number)}
              rowTestid={(row) => `event-${row.kind}`}
              empty={t('security.noEvents')}
              caption={t('security.parts.events')}
            />
            {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
          </>
        )}
      </Loaded>
    </section>
  );
}
