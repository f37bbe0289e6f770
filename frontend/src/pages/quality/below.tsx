import { useTranslation } from 'react-i18next';
import { api, got } from '../../api/client';
import type { QualityCase } from '../../api/quality';
import type { components } from '../../api/schema';
import { showNumber, showUnit } from '../../base/format';
import { useResource } from '../../base/resource';
import { showTime } from '../../base/time';
import { named } from '../../i18n';
import { type Column, Grid } from '../../parts/grid';
import { Sheet } from '../../parts/sheet';
import { Loaded } from '../../parts/states';

type Sample = components['schemas']['LineageSample'];

const LONGEST_MS = 30 * 86_400_000;
const MOST = 500;

/** What was received below the values a case was corrected with: raw stays, repairs lie over it. */
export function Below({ of, onClose }: { of: QualityCase; onClose: () => void }) {
  const { t } = useTranslation();
  const point = of.point ?? '';
  const start = new Date(of.start);
  // A span that ends with its last sample has to hold that sample.
  const end = new Date(Math.min(new Date(of.end).getTime() + 1000, start.getTime() + LONGEST_MS));
  const line = useResource(
    () =>
      got(
        api.GET('/api/v1/lineage', {
          params: { query: { point, start: start.toISOString(), end: end.toISOString(), samples: MOST } },
        }),
      ),
    [of.id],
  );
  const unit = showUnit(of.unit);
  const read = (value: number | null, quality: string | null) =>
    quality === null ? '–' : `${showNumber(value, 2)} ${unit} · ${t(`abnormal.quality.${quality as 'good'}`)}`;
  return (
    <Sheet title={t('abnormal.below')} onClose={onClose} testid="quality-below">
      <p className="quality-what">
        <strong>{named({ zh: of.asset_zh, en: of.asset_en })}</strong> {named({ zh: of.kind_zh, en: of.kind_en })}
      </p>
      <Loaded of={line} height={160}>
        {(data) => {
          const columns: Column<Sample>[] = [
            { name: 'at', label: t('abnormal.at'), cell: (row) => showTime(row.at) },
            { name: 'raw', label: t('abnormal.received'), num: true, cell: (row) => read(row.measured, row.measured_quality) },
            { name: 'repaired', label: t('abnormal.repaired'), num: true, cell: (row) => read(row.value, row.quality) },
            {
              name: 'by',
              label: t('abnormal.method'),
              cell: (row) => {
                const made = row.revision === null ? undefined : data.revisions[row.revision];
                return made ? `${made.method} · ${made.who}` : '–';
              },
            },
          ];
          return (
            <Grid
              columns={columns}
              rows={data.samples.filter((row) => row.revision !== null)}
              rowKey={(row) => row.at}
              rowTestid={(row) => `below-${row.at}`}
              empty={t('abnormal.nothingRepaired')}
              caption={t('abnormal.below')}
            />
          );
        }}
      </Loaded>
    </Sheet>
  );
}
