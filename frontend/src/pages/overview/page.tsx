import { useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got, seen } from '../../api/client';
import type { AssetView, Overview } from '../../api/views';
import { useResource } from '../../base/resource';
import { useStream } from '../../live/stream';
import { Loaded } from '../../parts/states';
import '../../styles/overview.css';
import { Filters } from './filters';
import { StationList } from './list';
import { StationMap } from './map';
import { NO_FILTER, type Filter, chosen } from './select';
import { Sources } from './sources';
import { Totals } from './totals';
import { useFreshOverview } from './fresh';

function City({ overview, branches }: { overview: Overview; branches: AssetView[] }) {
  const { t } = useTranslation();
  const [filter, setFilter] = useState<Filter>(NO_FILTER);
  const [pointed, setPointed] = useState<string | null>(null);
  const asked = useDeferredValue(filter);
  const shown = useMemo(() => chosen(overview.substations, asked), [overview.substations, asked]);
  const names = useMemo(() => new Map(branches.map((branch) => [branch.code, branch])), [branches]);
  return (
    <>
      <Totals overview={overview} />
      <Sources sources={overview.sources} />
      <Filters
        filter={filter}
        stations={overview.substations}
        branches={names}
        onChange={(change) => setFilter({ ...filter, ...change })}
      />
      <div className="city">
        <section className="panel city-list" aria-label={t('overview.list')}>
          <StationList stations={shown} branches={names} pointed={pointed} onPoint={setPointed} />
        </section>
        <section className="panel city-map" aria-label={t('overview.map')}>
          <StationMap
            stations={overview.substations}
            shown={shown}
            branches={names}
            pointed={pointed}
            onPoint={setPointed}
          />
        </section>
      </div>
    </>
  );
}

export function OverviewPage() {
  const { t } = useTranslation();
  useStream({ overview: true });
  const overview = useResource(() => seen<Overview>(api.GET('/api/v1/overview')), []);
  const branches = useResource(
    () => got(api.GET('/api/v1/assets', { params: { query: { kind: 'branch', size: 500 } } })),
    [],
  );
  useFreshOverview(overview);
  return (
    <div className="page" data-testid="overview">
      <h1 className="hidden-label">{t('nav.overview')}</h1>
      <Loaded of={overview} height={480}>
        {(data) => <City overview={data} branches={branches.data?.items ?? []} />}
      </Loaded>
    </div>
  );
}
