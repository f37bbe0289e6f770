import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { AuditEntry, AuditVerdict } from '../../api/system-views';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { Loaded } from '../../parts/states';
import { sayProblem } from '../../parts/toast';

const SIZE = 100;

function useColumns(): Column<AuditEntry>[] {
  const { t, i18n } = useTranslation();
  const action = (name: string) => {
    const key = `action.${name.replaceAll('.', '_')}`;
    return i18n.exists(key) ? t(key as 'action.session_open') : name;
  };
  return [
    { name: 'seq', label: t('audit.seq'), num: true, cell: (entry) => entry.seq },
    { name: 'at', label: t('audit.at'), cell: (entry) => <span className="nowrap">{showTime(entry.at, 'full')}</span> },
    { name: 'user', label: t('audit.user'), cell: (entry) => entry.user },
    { name: 'action', label: t('audit.action'), cell: (entry) => <span title={entry.action}>{action(entry.action)}</span> },
    { name: 'subject', label: t('audit.subject'), cell: (entry) => <span className="code">{entry.subject}</span> },
    {
      name: 'detail',
      label: t('audit.detail'),
      cell: (entry) => (
        <span className="small muted">
          {Object.entries(entry.detail)
            .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
            .join(' · ')}
        </span>
      ),
    },
    { name: 'hash', label: t('audit.hash'), cell: (entry) => <span className="code">{entry.hash.slice(0, 12)}</span> },
  ];
}

export default function AuditPage() {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const [verdict, setVerdict] = useState<AuditVerdict | null>(null);
  const [busy, setBusy] = useState(false);
  const list = useResource(
    () => got(api.GET('/api/v1/audit', { params: { query: { page, size: SIZE } } })),
    [page],
  );
  const columns = useColumns();
  const verify = () => {
    setBusy(true);
    got(api.GET('/api/v1/audit/verify'))
      .then(setVerdict, sayProblem)
      .finally(() => setBusy(false));
  };
  return (
    <div className="page" data-testid="audit-page">
      <header className="page-head">
        <h1>{t('nav.audit')}</h1>
        <span className="grow" />
        {verdict && (
          <span className={`tag${verdict.ok ? ' strong' : ' cstate bad'}`} role="status" data-testid="audit-verdict" data-ok={verdict.ok}>
            {verdict.ok
              ? `✓ ${t('audit.whole', { count: verdict.entries })}`
              : `✕ ${t('audit.broken', { seq: verdict.first_broken ?? 0 })}`}
          </span>
        )}
        <button type="button" className="btn" disabled={busy} data-testid="audit-verify" onClick={verify}>
          <Icon name="lock" size={16} /> {t('audit.verify')}
        </button>
      </header>
      <section className="panel">
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
    </div>
  );
}
