import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, OWN, readError } from '../../api/client';
import { may } from '../../api/session';
import type { BadRow } from '../../api/system-views';
import { problemFix, problemText } from '../../base/problem';
import { language } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { ExportLink } from '../../parts/export-link';
import { Icon } from '../../parts/icon';
import '../../styles/alarms.css';

interface Imported {
  version: number;
  dry_run: boolean;
  assets: number;
  points: number;
}

async function send(file: File, dryRun: boolean): Promise<Imported> {
  const form = new FormData();
  form.set('file', file);
  const answer = await fetch(`/api/v1/ledger/import?dry_run=${dryRun}`, { method: 'POST', body: form, headers: OWN });
  if (!answer.ok) throw await readError(answer);
  return (await answer.json()) as Imported;
}

function useColumns(): Column<BadRow>[] {
  const { t } = useTranslation();
  return [
    { name: 'sheet', label: t('ledger.sheet'), cell: (row) => row.sheet },
    { name: 'row', label: t('ledger.row'), num: true, cell: (row) => row.row },
    { name: 'column', label: t('ledger.column'), cell: (row) => <span className="code">{row.column}</span> },
    { name: 'value', label: t('ledger.value'), cell: (row) => row.value || '–' },
    {
      name: 'message',
      label: t('ledger.message'),
      cell: (row) => (language.get() === 'zh' ? row.message_zh : row.message_en),
    },
    { name: 'fix', label: t('ledger.fix'), cell: (row) => <span className="muted">{row.fix || '–'}</span> },
  ];
}

function Import() {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState<Imported | null>(null);
  const [error, setError] = useState<unknown>(undefined);
  const columns = useColumns();
  const rows = error instanceof ApiError ? ((error.body.rows as BadRow[] | undefined) ?? []) : [];

  const choose = (chosen: File | undefined) => {
    setFile(chosen ?? null);
    setDone(null);
    setError(undefined);
  };
  async function run(dryRun: boolean) {
    if (!file) return;
    setBusy(true);
    setDone(null);
    setError(undefined);
    try {
      setDone(await send(file, dryRun));
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  }

  return (
    <section className="panel">
      <header>
        <h2>{t('ledger.import')}</h2>
      </header>
      <div className="body ledger-import">
        <p className="muted">{t('ledger.importHelp')}</p>
        <div
          className={`drop${over ? ' over' : ''}`}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            event.preventDefault();
            setOver(false);
            choose(event.dataTransfer.files[0]);
          }}
        >
          <Icon name="upload" size={28} />
          <span>{file ? file.name : t('ledger.drop')}</span>
          <button type="button" className="btn" onClick={() => input.current?.click()}>
            {t('ledger.choose')}
          </button>
          <input
            ref={input}
            type="file"
            hidden
            accept=".xlsx,.zip"
            data-testid="ledger-file"
            onChange={(event) => choose(event.target.files?.[0])}
          />
        </div>
        <div className="row">
          <button type="button" className="btn" disabled={!file || busy} data-testid="ledger-check" onClick={() => void run(true)}>
            {t('ledger.check')}
          </button>
          <button type="button" className="btn main" disabled={!file || busy} data-testid="ledger-import" onClick={() => void run(false)}>
            {t('ledger.doImport')}
          </button>
        </div>
        {done && (
          <p className="tag strong" role="status" data-testid="ledger-done">
            {t(done.dry_run ? 'ledger.wouldBe' : 'ledger.imported', {
              version: done.version,
              assets: done.assets,
              points: done.points,
            })}
          </p>
        )}
        {error !== undefined && (
          <p className="gate-error" role="alert" data-testid="ledger-error">
            {problemText(error)} {problemFix(error)}
          </p>
        )}
        {rows.length > 0 && (
          <Grid
            columns={columns}
            rows={rows}
            rowKey={(row) => `${row.sheet} ${row.row} ${row.column} ${row.message_en}`}
            empty=""
            caption={t('ledger.badRows')}
            testid="ledger-bad-rows"
          />
        )}
      </div>
    </section>
  );
}

export default function LedgerPage() {
  const { t } = useTranslation();
  const keeper = may('manage_ledger');
  return (
    <div className="page" data-testid="ledger-page">
      <header className="page-head">
        <h1>{t('nav.ledger')}</h1>
      </header>
      <section className="panel">
        <header>
          <h2>{t('ledger.export')}</h2>
        </header>
        <div className="body row">
          {keeper ? (
            <>
              <ExportLink href="/api/v1/ledger/export?format=xlsx" testid="ledger-export-xlsx">
                <Icon name="download" size={16} /> Excel (.xlsx)
              </ExportLink>
              <ExportLink href="/api/v1/ledger/export?format=csv" testid="ledger-export-csv">
                <Icon name="download" size={16} /> CSV (.zip)
              </ExportLink>
            </>
          ) : (
            <span className="muted">{t('ledger.noRight')}</span>
          )}
        </div>
      </section>
      {keeper && <Import />}
    </div>
  );
}
