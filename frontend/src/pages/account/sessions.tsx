import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { OwnSession } from '../../api/identity-views';
import { session } from '../../api/session';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';
import { say, sayProblem } from '../../parts/toast';

const BROWSERS: [RegExp, string][] = [
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrom(e|ium)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const SYSTEMS: [RegExp, string][] = [
  [/Windows/, 'Windows'],
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Mac OS/, 'macOS'],
  [/Linux/, 'Linux'],
];

/** What a browser says it is, in two words. */
function deviceName(text: string): string {
  const find = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(text))?.[1] ?? '';
  return [find(BROWSERS), find(SYSTEMS)].filter(Boolean).join(' · ') || text.slice(0, 40);
}

/** Where one is signed in, and ending that. */
export function Sessions() {
  const { t } = useTranslation();
  const all = useResource(() => got(api.GET('/api/v1/account/sessions')), []);
  const end = (row: OwnSession) =>
    got(api.DELETE('/api/v1/account/sessions/{ident}', { params: { path: { ident: row.id } } })).then(
      all.reload,
      sayProblem,
    );
  const endOthers = () =>
    got(api.DELETE('/api/v1/account/sessions')).then((ended) => {
      say(t('account.ended', { count: ended.sessions }));
      all.reload();
    }, sayProblem);
  const display = () => got(api.POST('/api/v1/session/display')).then((made) => session.set(made), sayProblem);
  const columns: Column<OwnSession>[] = [
    {
      name: 'device',
      label: t('account.device'),
      cell: (row) => (
        <>
          <strong>{deviceName(row.device) || t('account.unknownDevice')}</strong>{' '}
          {row.current && <span className="tag strong">{t('account.current')}</span>}{' '}
          {row.kind === 'display' && <span className="tag">{t('account.displayTag')}</span>}
        </>
      ),
    },
    { name: 'address', label: t('account.address'), cell: (row) => row.address || '–' },
    {
      name: 'factors',
      label: t('account.kind'),
      cell: (row) => row.factors.map((word) => t(`account.word.${word as 'totp'}`)).join(' + ') || '–',
    },
    { name: 'since', label: t('account.since'), cell: (row) => showTime(row.created_at) },
    { name: 'seen', label: t('account.seen'), cell: (row) => showTime(row.seen_at) },
    {
      name: 'actions',
      label: '',
      cell: (row) =>
        !row.current && (
          <button type="button" className="btn tiny" onClick={() => void end(row)}>
            {t('account.end')}
          </button>
        ),
    },
  ];
  return (
    <section className="panel">
      <header>
        <h2>{t('account.sessions')}</h2>
        <span className="grow" />
        <button type="button" className="btn tiny" data-testid="end-others" onClick={() => void endOthers()}>
          {t('account.endOthers')}
        </button>
        <button
          type="button"
          className="btn tiny"
          title={t('account.displayWhy')}
          data-testid="become-display"
          onClick={() => void display()}
        >
          {t('account.display')}
        </button>
      </header>
      <Loaded of={all}>
        {(rows) => (
          <Grid
            columns={columns}
            rows={rows}
            rowKey={(row) => row.id}
            rowTestid={(row) => (row.current ? 'session-current' : 'session-other')}
            empty="–"
            caption={t('account.sessions')}
          />
        )}
      </Loaded>
    </section>
  );
}
