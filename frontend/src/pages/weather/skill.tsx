import { useTranslation } from 'react-i18next';
import { useState } from 'react';
import { api, got } from '../../api/client';
import type { WeatherQuantity, WeatherSkillRow, WeatherSource } from '../../api/weather-views';
import { showNumber, showUnit } from '../../base/format';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Loaded } from '../../parts/states';

/** How far forecasts were off, by how long ahead they were known. */
export function Skill({ quantities, sources }: { quantities: WeatherQuantity[]; sources: WeatherSource[] }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState('temperature_c');
  const answer = useResource(() => got(api.GET('/api/v1/weather/skill', { params: { query: { days: 14 } } })), []);
  const quantity = quantities.find((each) => each.name === chosen);
  const unit = showUnit(quantity?.unit ?? '');
  const number = (value: number) => `${showNumber(value, 2)} ${unit}`;
  const columns: Column<WeatherSkillRow>[] = [
    {
      name: 'source',
      label: t('weather.source'),
      cell: (row) => named(sources.find((each) => each.name === row.source) ?? { zh: row.source, en: row.source }),
    },
    { name: 'lead', label: t('weather.lead'), num: true, cell: (row) => `${row.lead_from_h}–${row.lead_to_h} h` },
    { name: 'count', label: t('weather.compared'), num: true, cell: (row) => row.count },
    { name: 'bias', label: t('weather.bias'), num: true, cell: (row) => number(row.bias) },
    { name: 'mae', label: t('weather.mae'), num: true, cell: (row) => number(row.mae) },
    { name: 'rmse', label: t('weather.rmse'), num: true, cell: (row) => number(row.rmse) },
  ];
  return (
    <section className="panel" data-testid="weather-skill">
      <header>
        <h2>{t('weather.skill')}</h2>
        <span className="grow" />
        <select className="select" aria-label={t('weather.quantity')} value={chosen} onChange={(event) => setChosen(event.target.value)}>
          {quantities
            .filter((each) => each.name !== 'condition')
            .map((each) => (
              <option key={each.name} value={each.name}>
                {named(each)}
              </option>
            ))}
        </select>
      </header>
      <Loaded of={answer} height={120}>
        {(data) => (
          <Grid
            columns={columns}
            rows={data.rows.filter((row) => row.quantity === chosen)}
            rowKey={(row) => `${row.source} ${row.lead_from_h}`}
            empty={t('weather.noSkill')}
            caption={t('weather.skill')}
          />
        )}
      </Loaded>
    </section>
  );
}
