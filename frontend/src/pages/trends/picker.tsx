import { Select } from 'antd';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { AssetView, PointView } from '../../api/views';
import { useResource } from '../../base/resource';
import { language, named } from '../../i18n';
import { useStore } from '../../base/store';

const MOST = 12;

/** Kinds of point worth searching for, in the order of the process. */
const KINDS = [
  'secondary_supply_temperature',
  'secondary_return_temperature',
  'secondary_supply_temperature_setpoint',
  'secondary_supply_pressure',
  'secondary_return_pressure',
  'secondary_flow',
  'secondary_heat_power',
  'valve_opening',
  'circulation_pump_frequency',
  'makeup_flow',
  'primary_supply_temperature',
  'primary_return_temperature',
  'primary_supply_pressure',
  'primary_return_pressure',
  'primary_flow',
  'primary_heat_power',
  'tank_level',
  'outdoor_temperature',
  'room_temperature',
  'source_supply_temperature',
  'source_return_temperature',
  'source_heat_power',
] as const;

function useSearch(text: string, kind: string | undefined, asset: string | undefined): PointView[] {
  const [found, setFound] = useState<PointView[]>([]);
  useEffect(() => {
    let gone = false;
    const timer = window.setTimeout(() => {
      const query = { q: text, kind: kind ?? '', asset: asset ?? '', size: 100 };
      got(api.GET('/api/v1/points', { params: { query } })).then(
        (page) => !gone && setFound(page.items),
        () => !gone && setFound([]),
      );
    }, 250);
    return () => {
      gone = true;
      window.clearTimeout(timer);
    };
  }, [text, kind, asset]);
  return found;
}

interface PickerProps {
  chosen: string[];
  known: Map<string, { zh: string; en: string }>;
  onChoose: (codes: string[]) => void;
}

/** Points by name, code, kind or place. */
export function Picker({ chosen, known, onChoose }: PickerProps) {
  const { t } = useTranslation();
  const lang = useStore(language);
  const [text, setText] = useState('');
  const [kind, setKind] = useState<string>();
  const [asset, setAsset] = useState<string>();
  const found = useSearch(text, kind, asset);
  const stations = useResource(
    () => got(api.GET('/api/v1/assets', { params: { query: { kind: 'substation', size: 500 } } })),
    [],
  );
  const units = useResource(
    () => got(api.GET('/api/v1/assets', { params: { query: { kind: 'unit', size: 500 } } })),
    [],
  );
  const places = useMemo(() => {
    const name = (item: AssetView) => ({
      value: item.code,
      label: `${lang === 'zh' ? item.zh : item.en} ${item.code}`,
    });
    return [...(stations.data?.items ?? []), ...(units.data?.items ?? [])].map(name);
  }, [stations.data, units.data, lang]);
  const label = (code: string, thing: { zh: string; en: string } | undefined) => (
    <span>
      {thing ? named(thing) : ''} <span className="code">{code}</span>
    </span>
  );
  const options = [
    ...found.map((point) => ({ value: point.code, label: label(point.code, point) })),
    ...chosen
      .filter((code) => !found.some((point) => point.code === code))
      .map((code) => ({ value: code, label: label(code, known.get(code)) })),
  ];
  return (
    <div className="picker">
      <Select
        mode="multiple"
        className="picker-points"
        placeholder={t('trends.search')}
        aria-label={t('trends.search')}
        value={chosen}
        options={options}
        maxCount={MOST}
        showSearch={{ filterOption: false, onSearch: setText, searchValue: text }}
        onChange={(codes: string[]) => onChoose(codes)}
        data-testid="trend-points"
      />
      <Select
        allowClear
        className="picker-kind"
        placeholder={t('trends.kind')}
        aria-label={t('trends.kind')}
        value={kind}
        onChange={setKind}
        options={KINDS.map((value) => ({ value, label: t(`kind.${value}`) }))}
        showSearch={{ optionFilterProp: 'label' }}
        data-testid="trend-kind"
      />
      <Select
        allowClear
        className="picker-place"
        placeholder={t('trends.place')}
        aria-label={t('trends.place')}
        value={asset}
        onChange={setAsset}
        options={places}
        showSearch={{ optionFilterProp: 'label' }}
        data-testid="trend-place"
      />
    </div>
  );
}
