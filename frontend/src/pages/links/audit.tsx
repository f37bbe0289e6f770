import { useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import { type SignedDocument, type VerifiedDocument, auditOf } from '../../api/link-views';
import { useResource } from '../../base/resource';
import { useStore } from '../../base/store';
import { showTime } from '../../base/time';
import { plantClock, plantNow } from '../../live/clock';
import { named } from '../../i18n';
import { Icon } from '../../parts/icon';
import { PriorityMark } from '../../parts/mark';
import { Segmented } from '../../parts/segmented';
import { Bones, Problem } from '../../parts/states';
import { AuditResult } from './audit-result';
import { dayOf, midnight, spanOf, zoneName } from './period';

const DAY_MS = 86_400_000;
const LENGTHS = { '1': 1, '7': 7, '30': 30 } as const;
type Length = keyof typeof LENGTHS;

function save(signed: SignedDocument): void {
  const { from, to } = auditOf(signed);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([`${JSON.stringify(signed)}\n`], { type: 'application/json' }));
  link.download = `gap-audit-${from.slice(0, 10)}-${to.slice(0, 10)}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Whether a document is the platform's own and unchanged: the platform says so, not this page. */
async function verify(signed: SignedDocument): Promise<VerifiedDocument> {
  const { body, key_id, alg, signature } = signed;
  return got(api.POST('/api/v1/links/audit/verify', { body: { body, key_id, alg, signature } }));
}

/** The signature of the audit shown, or of one that somebody kept as a file. */
function Signature({ signed }: { signed: SignedDocument | null }) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [told, setTold] = useState<{ of: string; verdict: VerifiedDocument } | null>(null);
  const [error, setError] = useState<unknown>();
  const [unread, setUnread] = useState('');
  async function check(of: string, document: SignedDocument) {
    setBusy(true);
    setError(undefined);
    setUnread('');
    setTold(null);
    try {
      setTold({ of, verdict: await verify(document) });
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  }
  async function checkFile(file: File | undefined) {
    if (!file) return;
    let document: Partial<SignedDocument> | null = null;
    try {
      document = JSON.parse(await file.text()) as Partial<SignedDocument> | null;
    } catch {
      // Said below: it is no such file.
    }
    if (document && document.body && document.key_id && document.alg && document.signature) {
      await check(file.name, document as SignedDocument);
    } else {
      setTold(null);
      setUnread(file.name);
    }
  }
  return (
    <div className="audit-signature" data-testid="audit-signature">
      {signed && (
        <p className="small muted audit-key">
          {t('links.signedBy', { alg: signed.alg, key: signed.key_id })} <code>{signed.signature.slice(0, 24)}…</code>
        </p>
      )}
      <div className="row">
        {signed && (
          <>
            <button
              type="button"
              className="btn"
              disabled={busy}
              data-testid="audit-verify"
              onClick={() => void check('', signed)}
            >
              <Icon name="lock" size={16} /> {t('links.verify')}
            </button>
            <button type="button" className="btn" data-testid="audit-download" onClick={() => save(signed)}>
              <Icon name="download" size={16} /> {t('links.download')}
            </button>
          </>
        )}
        <button type="button" className="btn" disabled={busy} onClick={() => input.current?.click()}>
          <Icon name="upload" size={16} /> {t('links.verifyFile')}
        </button>
        <input
          ref={input}
          type="file"
          hidden
          accept=".json,application/json"
          data-testid="audit-file"
          onChange={(event) => {
            void checkFile(event.target.files?.[0]);
            event.target.value = '';
          }}
        />
      </div>
      <div aria-live="polite">
        {told && (
          <p className={told.verdict.valid ? 'audit-verdict' : 'audit-verdict bad'} data-testid="audit-verdict" data-valid={told.verdict.valid}>
            {told.verdict.valid ? <Icon name="check" size={18} /> : <PriorityMark priority={2} size={18} label={t('links.forged')} />}
            <span>
              {told.of && <strong>{told.of}: </strong>}
              {t(told.verdict.valid ? 'links.genuine' : 'links.forged')}
              {!told.verdict.valid && told.verdict.reason && <span className="muted"> ({told.verdict.reason})</span>}
            </span>
          </p>
        )}
        {unread && <p className="audit-verdict bad">{t('links.noAudit', { name: unread })}</p>}
        {error !== undefined && <Problem error={error} />}
      </div>
    </div>
  );
}

interface AuditProps {
  signed: SignedDocument | null;
  onSigned: (signed: SignedDocument) => void;
}

/** Is every expected sample stored, or is it known why not? The answer is a signed document. */
export function Audit({ signed, onSigned }: AuditProps) {
  const { t } = useTranslation();
  const ready = useStore(plantClock) !== null;
  const [length, setLength] = useState<Length>('1');
  const [first, setFirst] = useState('');
  const [last, setLast] = useState('');
  const [branch, setBranch] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const branches = useResource(
    () => got(api.GET('/api/v1/assets', { params: { query: { kind: 'branch', size: 500 } } })),
    [],
  );
  const today = useMemo(() => (ready ? dayOf(plantNow() ?? Date.now()) : ''), [ready]);
  const from = first || (today ? dayOf(midnight(today) - (LENGTHS[length] - 1) * DAY_MS + DAY_MS / 2) : today);
  const to = last || today;
  const fits = from !== '' && to !== '' && from <= to;
  async function run() {
    setBusy(true);
    setError(undefined);
    try {
      const span = spanOf(midnight(from), midnight(dayOf(midnight(to) + 1.5 * DAY_MS)));
      onSigned(await got(api.GET('/api/v1/links/audit', { params: { query: { ...span, organisation: branch } } })));
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  }
  return (
    <>
      <section className="panel">
        <header>
          <h2>{t('links.auditTitle')}</h2>
          <span className="small muted">{t('links.auditHelp')}</span>
        </header>
        <form
          className="body audit-ask"
          onSubmit={(event) => {
            event.preventDefault();
            void run();
          }}
        >
          <Segmented
            label={t('links.period')}
            value={first || last ? null : length}
            choices={(['1', '7', '30'] as const).map((value) => ({
              value,
              label: value === '1' ? t('links.today') : t('links.lastDays', { days: value }),
            }))}
            onChoose={(value) => {
              setLength(value);
              setFirst('');
              setLast('');
            }}
            testid="audit-length"
          />
          <label className="field">
            <span>{t('links.firstDay')}</span>
            <input className="input" type="date" value={from} max={to} onChange={(event) => setFirst(event.target.value)} />
          </label>
          <label className="field">
            <span>{t('links.lastDay')}</span>
            <input
              className="input"
              type="date"
              value={to}
              min={from}
              max={today}
              onChange={(event) => {
                setFirst(from);
                setLast(event.target.value);
              }}
            />
          </label>
          <label className="field">
            <span>{t('links.scope')}</span>
            <select className="select" value={branch} onChange={(event) => setBranch(event.target.value)} data-testid="audit-branch">
              <option value="">{t('links.allMine')}</option>
              {(branches.data?.items ?? []).map((each) => (
                <option key={each.code} value={each.code}>
                  {named(each)}
                </option>
              ))}
            </select>
          </label>
          <button type="submit" className="btn main" disabled={busy || !fits} data-testid="audit-run">
            {t(busy ? 'links.auditBusy' : 'links.auditRun')}
          </button>
          <span className="small muted">{t('links.zone', { zone: zoneName() })}</span>
        </form>
      </section>
      {error !== undefined && <Problem error={error} onRetry={() => void run()} />}
      {busy && !signed && <Bones height={320} />}
      {signed && (
        <div className={busy ? 'audit-old' : undefined} aria-busy={busy}>
          <AuditResult audit={auditOf(signed)} branches={branches.data?.items ?? []} />
        </div>
      )}
      {!signed && !busy && error === undefined && <p className="empty panel">{t('links.auditNone')}</p>}
      <section className="panel">
        <header>
          <h2>{t('links.signature')}</h2>
          <span className="small muted">{t('links.signatureHelp', { time: signed ? showTime(auditOf(signed).made_at, 'minute') : '–' })}</span>
        </header>
        <div className="body">
          <Signature key={signed?.signature ?? ''} signed={signed} />
        </div>
      </section>
    </>
  );
}
