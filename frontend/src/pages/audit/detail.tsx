import { useTranslation } from 'react-i18next';
import { type AuditEntry, auditApi } from '../../api/audit-views';
import { got } from '../../api/client';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';
import { useAction } from './words';

function shown(value: unknown): string {
  if (value === undefined || value === null) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A value that is a set of named values is told name by name. */
function parts(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : { '': value };
}

/** What something was and what it is, name by name; what stayed the same is left out. */
export function Difference({ before, after }: { before: unknown; after: unknown }) {
  const { t } = useTranslation();
  const old = before === null || before === undefined ? {} : parts(before);
  const now = after === null || after === undefined ? {} : parts(after);
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].filter(
    (name) => shown(old[name]) !== shown(now[name]),
  );
  if (names.length === 0) return <p className="muted small">{t('audit.same')}</p>;
  return (
    <table className="audit-diff" data-testid="audit-diff">
      <thead>
        <tr>
          <th scope="col">{t('audit.name')}</th>
          <th scope="col">{t('audit.before')}</th>
          <th scope="col">{t('audit.after')}</th>
        </tr>
      </thead>
      <tbody>
        {names.map((name) => (
          <tr key={name}>
            <th scope="row" className="code">
              {name || t('audit.value')}
            </th>
            <td className="was">{shown(old[name])}</td>
            <td className="is">{shown(now[name])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** An entry with everything that belongs to it. */
export function Detail({ of, onClose }: { of: AuditEntry; onClose: () => void }) {
  const { t } = useTranslation();
  const action = useAction();
  const path = { seq: of.seq };
  const detail = useResource(() => got(auditApi.GET('/api/v1/audit/entries/{seq}', { params: { path } })), [of.seq]);
  const { before, after, ...rest } = of.detail;
  const facts: [string, string][] = [
    [t('audit.at'), showTime(of.at, 'full')],
    [t('audit.user'), of.role ? `${of.user} (${of.role.replaceAll('|', ', ')})` : of.user],
    [t('audit.address'), of.address || '–'],
    [t('audit.subject'), of.subject],
    [t('audit.result'), t(`audit.results.${of.result}`)],
    [t('audit.request'), of.request || '–'],
  ];
  return (
    <Sheet title={`${of.seq} · ${action(of.action)}`} onClose={onClose} testid="audit-sheet">
      <dl className="audit-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="code">{value}</dd>
          </div>
        ))}
      </dl>
      {(before !== undefined || after !== undefined) && <Difference before={before} after={after} />}
      {Object.keys(rest).length > 0 && <pre className="audit-json">{JSON.stringify(rest, null, 1)}</pre>}
      <Loaded of={detail} height={80}>
        {(data) => (
          <>
            {data.changes.length > 0 && <h3>{t('audit.changes')}</h3>}
            {data.changes.map((change, at) => (
              <section key={at}>
                <p className="small muted code">
                  {change.table} {change.record} · {change.operation}
                </p>
                <Difference before={change.before} after={change.after} />
              </section>
            ))}
            {data.same_request.length > 0 && <h3>{t('audit.sameRequest')}</h3>}
            {data.same_request.map((entry) => (
              <p key={entry.seq} className="small">
                {entry.seq} · {action(entry.action)} · <span className="code">{entry.subject}</span>
              </p>
            ))}
            <dl className="audit-facts">
              <div>
                <dt>{t('audit.hash')}</dt>
                <dd className="code audit-hash">
                  {data.algorithm} {data.entry.hash}
                </dd>
              </div>
              <div>
                <dt>{t('audit.previous')}</dt>
                <dd className="code audit-hash">{data.previous || '–'}</dd>
              </div>
            </dl>
          </>
        )}
      </Loaded>
    </Sheet>
  );
}
