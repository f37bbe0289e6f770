import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { OWN, api, got, readError } from '../../api/client';
import type { components } from '../../api/schema';
import { showNumber } from '../../base/format';
import { problemText } from '../../base/problem';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { ExportLink } from '../../parts/export-link';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';
import { say } from '../../parts/toast';

type Run = components['schemas']['ImportRun'];
type Guess = components['schemas']['ImportGuess'];

async function send<T>(path: string, files: Record<string, Blob | File>): Promise<T> {
  const form = new FormData();
  for (const [name, file] of Object.entries(files)) form.append(name, file, file instanceof File ? file.name : 'map.toml');
  const answer = await window.fetch(path, { method: 'POST', headers: OWN, body: form });
  if (!answer.ok) throw await readError(answer);
  return (await answer.json()) as T;
}

/** History from other systems: what a file holds, its mapping, and the runs that brought it in. */
export function Imports() {
  const { t } = useTranslation();
  const [file, setFile] = useState<File | null>(null);
  const [mapping, setMapping] = useState('');
  const [guess, setGuess] = useState<Guess | null>(null);
  const list = useResource(() => got(api.GET('/api/v1/imports', { params: { query: { page: 1, size: 20 } } })), []);
  const { reload } = list;
  const busy = list.data?.items.some((run) => run.state === 'running') ?? false;
  useEffect(() => {
    if (!busy) return undefined;
    const timer = window.setInterval(reload, 1000);
    return () => window.clearInterval(timer);
  }, [busy, reload]);
  const look = async (chosen: File | null) => {
    setFile(chosen);
    setGuess(null);
    if (!chosen) return;
    try {
      const found = await send<Guess>('/api/v1/imports/guess', { file: chosen });
      setGuess(found);
      setMapping(found.mapping);
    } catch (error) {
      say(problemText(error));
    }
  };
  const start = async (event: FormEvent, dry: boolean) => {
    event.preventDefault();
    if (!file) return;
    try {
      await send<Run>(`/api/v1/imports?dry_run=${dry}`, { file, map: new Blob([mapping], { type: 'application/toml' }) });
      reload();
    } catch (error) {
      say(problemText(error));
    }
  };
  const columns: Column<Run>[] = [
    {
      name: 'file',
      label: t('explore.file'),
      cell: (row) => (
        <>
          {row.file}
          <div className="small muted">
            {row.by} · {showTime(row.started_at, 'minute')}
          </div>
        </>
      ),
    },
    {
      name: 'state',
      label: t('explore.state'),
      cell: (row) => (
        <>
          {t(`explore.states.${row.state as 'done'}`)} {row.state === 'running' && `${showNumber(row.progress_pct, 0)} %`}
          {row.dry_run && <span className="tag">{t('explore.dry')}</span>}
          {row.error && <div className="small muted breakable">{row.error}</div>}
        </>
      ),
    },
    { name: 'in', label: t('explore.rowsIn'), num: true, cell: (row) => showNumber(row.rows_in, 0) },
    { name: 'stored', label: t('explore.stored'), num: true, cell: (row) => showNumber(row.stored, 0) },
    { name: 'repeated', label: t('explore.repeated'), num: true, cell: (row) => showNumber(row.repeated, 0) },
    {
      name: 'refused',
      label: t('explore.refused'),
      cell: (row) =>
        row.refused === 0 ? (
          '0'
        ) : (
          <>
            <ExportLink className="" href={`/api/v1/imports/${row.id}/refused`} testid={`refused-${row.id}`}>
              {showNumber(row.refused, 0)}
            </ExportLink>
            {row.reasons.slice(0, 3).map((reason) => (
              <div key={reason.reason} className="small muted">
                {named(reason)}: {reason.count}
              </div>
            ))}
          </>
        ),
    },
  ];
  return (
    <section className="panel" data-testid="explore-imports">
      <header>
        <h2>{t('explore.imports')}</h2>
        <span className="grow" />
        <input
          className="input"
          type="file"
          accept=".csv,.txt,.json,.parquet,.xlsx"
          aria-label={t('explore.file')}
          data-testid="import-file"
          onChange={(event) => void look(event.target.files?.[0] ?? null)}
        />
      </header>
      {guess && (
        <form className="body explore-map" onSubmit={(event) => void start(event, false)}>
          <p className="small muted">{t('explore.guessed', { rows: guess.rows, columns: guess.columns.length, time: guess.time_column || '–' })}</p>
          <ul className="small">
            {guess.questions_zh.map((zh, at) => (
              <li key={zh}>{named({ zh, en: guess.questions_en[at] ?? zh })}</li>
            ))}
          </ul>
          <textarea
            className="input code"
            rows={14}
            spellCheck={false}
            aria-label={t('explore.mapping')}
            value={mapping}
            data-testid="import-mapping"
            onChange={(event) => setMapping(event.target.value)}
          />
          <div className="actions">
            <button type="button" className="btn" onClick={(event) => void start(event, true)}>
              {t('explore.dryRun')}
            </button>
            <button type="submit" className="btn main" data-testid="import-start">
              {t('explore.import')}
            </button>
          </div>
        </form>
      )}
      <Loaded of={list} height={80}>
        {(data) => <Grid columns={columns} rows={data.items} rowKey={(row) => row.id} empty={t('explore.noImports')} caption={t('explore.imports')} testid="imports" />}
      </Loaded>
    </section>
  );
}
