import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type AuditAsked, type AuditEntry, auditApi } from '../../api/audit-views';
import { got } from '../../api/client';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid, Pager } from '../../parts/grid';
import { ExportLink } from '../../parts/export-link';
import { Icon } from '../../parts/icon';
import { Loaded } from '../../parts/states';
import '../../styles/audit.css';
import { Chain, Check } from './chain';
import { Detail } from './detail';
import { EVERYTHING, Filters } from './filters';
import { useAction } from './words';

const SIZE = 100;

function useColumns(onOpen: (entry: AuditEntry) => void): Column<AuditEntry>[] {
  const { t } = useTranslation();
  const action = useAction();
  return [
    {
      name: 'seq',
      label: t('audit.seq'),
      num: true,
      cell: (entry) => (
        <button type="button" className="audit-open" data-testid={`audit-open-${entry.seq}`} onClick={() => onOpen(entry)}>
          {entry.seq}
        </button>
      ),
    },
    { name: 'at', label: t('audit.at'), cell: (entry) => <span className="nowrap">{showTime(entry.at, 'full')}</span> },
    { name: 'user', label: t('audit.user'), cell: (entry) => entry.user },
    { name: 'address', label: t('audit.address'), cell: (entry) => <span className="code">{entry.address || '–'}</span> },
    { name: 'action', label: t('audit.action'), cell: (entry) => <span title={entry.action}>{action(entry.action)}</span> },
    { name: 'subject', label: t('audit.subject'), cell: (entry) => <span className="code">{entry.subject}</span> },
    {
      name: 'result',
      label: t('audit.result'),
      cell: (entry) => <span className={`tag audit-${entry.result}`}>{t(`audit.results.${entry.result}`)}</span>,
    },
    {
      name: 'detail',
      label: t('audit.detail'),
      cell: (entry) => (
        <span className="small muted audit-brief">
          {Object.entries(entry.detail)
            .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
            .join(' · ')}
        </span>
      ),
    },
  ];
}

/** Address of the signed file of what is on the screen. */
function fileOf(asked: AuditAsked, format: 'jsonl' | 'pdf'): string {
  const words = Object.entries(asked).filter(([, value]) => value) as [string, string][];
  return `/api/v1/audit/export?${new URLSearchParams([...words, ['format', format]])}`;
}

export default function AuditPage() {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const [asked, setAsked] = useState<AuditAsked>(EVERYTHING);
  const [open, setOpen] = useState<AuditEntry | null>(null);
  const list = useResource(
    () => got(auditApi.GET('/api/v1/audit', { params: { query: { ...asked, page, size: SIZE } } })),
    [page, asked],
  );
  const state = useResource(() => got(auditApi.GET('/api/v1/audit/state')), []);
  const columns = useColumns(setOpen);
  const ask = (next: AuditAsked) => {
    setAsked(next);
    setPage(1);
  };
  return (
    <div className="page" data-testid="audit-page">
      <header className="page-head">
        <h1>{t('nav.audit')}</h1>
        <span className="grow" />
        <Check />
        {(['jsonl', 'pdf'] as const).map((format) => (
          <ExportLink key={format} href={fileOf(asked, format)} testid={`audit-export-${format}`}>
            <Icon name="download" size={16} /> {format.toUpperCase()}
          </ExportLink>
        ))}
      </header>
      <section className="panel audit-box">
        <Loaded of={state} height={72}>
          {(data) => <Chain state={data} onChanged={state.reload} />}
        </Loaded>
      </section>
      <section className="panel">
        <div className="audit-box">
          <Filters onAsk={ask} />
        </div>
        <Loaded of={list}>
          {(data) => (
            <>
              <Grid
                columns={columns}
                rows={data.items}
                rowKey={(entry) => String(entry.seq)}
                empty={t('audit.none')}
                caption={t('nav.audit')}
                testid="audit-list"
              />
              <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />
            </>
          )}
        </Loaded>
      </section>
      {open && <Detail of={open} onClose={() => setOpen(null)} />}
    </div>
  );
}
