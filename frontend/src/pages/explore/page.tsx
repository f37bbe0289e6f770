import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { api, got } from '../../api/client';
import type { components } from '../../api/schema';
import { may } from '../../api/session';
import { showNumber, showUnit } from '../../base/format';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid, Pager } from '../../parts/grid';
import { Icon } from '../../parts/icon';
import { Loaded } from '../../parts/states';
import '../../styles/figures.css';
import { Export } from './export';
import { Imports } from './imports';

type Point = components['schemas']['SemanticPoint'];
const SIZE = 50;
/** How many points one trend page takes. */
const ON_TRENDS = 8;

/** Points found by what they mean, what they say now, and their history as a file. */
export default function ExplorePage() {
  const { t } = useTranslation();
  const [words, setWords] = useSearchParams();
  const asked = words.get('q') ?? '';
  const [text, setText] = useState(asked);
  const [page, setPage] = useState(1);
  const answer = useResource(
    () =>
      asked === ''
        ? Promise.resolve(null)
        : got(api.GET('/api/v1/points/query', { params: { query: { q: asked, page, size: SIZE } } })),
    [asked, page],
  );
  const look = (question: string) => {
    setText(question);
    setPage(1);
    setWords(question.trim() === '' ? {} : { q: question.trim() });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    look(text);
  };
  const columns: Column<Point>[] = [
    {
      name: 'asset',
      label: t('explore.asset'),
      cell: (row) => (
        <>
          {named({ zh: row.asset_zh, en: row.asset_en })} <span className="code">{row.asset}</span>
        </>
      ),
    },
    {
      name: 'point',
      label: t('explore.point'),
      cell: (row) => (
        <>
          <Link to={`/trends?points=${encodeURIComponent(row.code)}`}>{named(row)}</Link>
          <div className="code small">{row.code}</div>
        </>
      ),
    },
    {
      name: 'value',
      label: t('explore.value'),
      num: true,
      cell: (row) => `${showNumber(row.value, row.decimals)} ${showUnit(row.unit)}`,
    },
    { name: 'quality', label: t('explore.quality'), cell: (row) => (row.quality ? t(`explore.qualities.${row.quality as 'good'}`) : '–') },
    { name: 'stage', label: t('explore.stage'), cell: (row) => t(`explore.stages.${row.tags.stage as 'source'}`) },
  ];
  const examples = ['one', 'two', 'three', 'four'] as const;
  return (
    <div className="page" data-testid="explore-page">
      <header className="page-head">
        <h1>{t('nav.explore')}</h1>
      </header>
      <section className="panel">
        <form className="explore-ask" onSubmit={submit}>
          <input
            className="input grow"
            type="search"
            autoFocus
            maxLength={200}
            placeholder={t('explore.placeholder')}
            aria-label={t('explore.placeholder')}
            value={text}
            data-testid="explore-words"
            onChange={(event) => setText(event.target.value)}
          />
          <button type="submit" className="btn main" data-testid="explore-go">
            <Icon name="search" size={16} /> {t('explore.go')}
          </button>
        </form>
        <div className="explore-examples">
          {examples.map((name) => (
            <button key={name} type="button" className="tag" onClick={() => look(t(`explore.example.${name}`))}>
              {t(`explore.example.${name}`)}
            </button>
          ))}
        </div>
        {asked !== '' && (
          <Loaded of={answer} height={200}>
            {(data) =>
              data && (
                <>
                  <p className="explore-heard small muted" data-testid="explore-heard">
                    {t('explore.found', { count: data.total })}
                    {data.items.length > 0 && (
                      <>
                        {' · '}
                        <Link to={`/trends?points=${data.items.slice(0, ON_TRENDS).map((row) => encodeURIComponent(row.code)).join(',')}`}>
                          {t('explore.draw', { n: Math.min(ON_TRENDS, data.items.length) })}
                        </Link>
                      </>
                    )}
                  </p>
                  <Grid
                    columns={columns}
                    rows={data.items}
                    rowKey={(row) => row.code}
                    rowTestid={(row) => `found-${row.code}`}
                    empty={t('explore.nothing')}
                    caption={t('nav.explore')}
                    testid="explore-list"
                  />
                  {data.total > SIZE && <Pager page={page} size={SIZE} total={data.total} onPage={setPage} />}
                </>
              )
            }
          </Loaded>
        )}
      </section>
      {asked !== '' && answer.data && answer.data.total > 0 && <Export question={asked} />}
      {may('manage_ledger') && <Imports />}
    </div>
  );
}
