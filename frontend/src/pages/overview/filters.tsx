import { useTranslation } from 'react-i18next';
import type { AssetView, OverviewStation } from '../../api/views';
import { named } from '../../i18n';
import { Icon } from '../../parts/icon';
import { StateMark } from '../../parts/mark';
import { Segmented } from '../../parts/segmented';
import { type Filter, STATES } from './select';

interface FiltersProps {
  filter: Filter;
  stations: OverviewStation[];
  branches: Map<string, AssetView>;
  onChange: (change: Partial<Filter>) => void;
}

export function Filters({ filter, stations, branches, onChange }: FiltersProps) {
  const { t } = useTranslation();
  const codes = [...new Set(stations.map((station) => station.branch))].filter(Boolean).sort();
  const count = (state: string) => stations.filter((station) => station.state === state).length;
  return (
    <div className="filters" role="search">
      <label className="search">
        <Icon name="search" size={18} />
        <span className="hidden-label">{t('overview.search')}</span>
        <input
          className="input"
          type="search"
          placeholder={t('overview.search')}
          value={filter.text}
          data-testid="overview-search"
          onChange={(event) => onChange({ text: event.target.value })}
        />
      </label>
      <Segmented
        label={t('overview.state')}
        value={filter.state || 'every'}
        choices={[
          { value: 'every', label: `${t('overview.every')} ${stations.length}` },
          ...STATES.map((state) => ({
            value: state,
            label: (
              <>
                <StateMark state={state} count={count(state)} size={16} /> {t(`state.${state}`)}
                {(state === 'normal' || state === 'offline') && ` ${count(state)}`}
              </>
            ),
          })),
        ]}
        onChoose={(state) => onChange({ state: state === 'every' ? '' : (state as Filter['state']) })}
        testid="overview-state"
      />
      <select
        className="select"
        aria-label={t('overview.branch')}
        value={filter.branch}
        data-testid="overview-branch"
        onChange={(event) => onChange({ branch: event.target.value })}
      >
        <option value="">{t('overview.everyBranch')}</option>
        {codes.map((code) => {
          const branch = branches.get(code);
          return (
            <option key={code} value={code}>
              {branch ? named(branch) : code}
            </option>
          );
        })}
      </select>
      <select
        className="select"
        aria-label={t('overview.order')}
        value={filter.order}
        data-testid="overview-order"
        onChange={(event) => onChange({ order: event.target.value as Filter['order'] })}
      >
        {(['state', 'code', 'power'] as const).map((order) => (
          <option key={order} value={order}>
            {t(`overview.by.${order}`)}
          </option>
        ))}
      </select>
    </div>
  );
}
