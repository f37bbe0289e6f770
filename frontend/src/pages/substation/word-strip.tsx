import { useTranslation } from 'react-i18next';
import type { PointView } from '../../api/views';
import { PriorityMark } from '../../parts/mark';
import { usePoint } from '../../parts/value';

/** Texts of the bits that are set in an interlock or fault word. */
function Bits({ point, of }: { point: PointView; of: 'interlock' | 'pumpFault' }) {
  const { t, i18n } = useTranslation();
  const { value, quality } = usePoint(point);
  if (!value || quality === 2) return null;
  const bits = Array.from({ length: 16 }, (_, n) => 2 ** n).filter((bit) => Math.floor(value / bit) % 2 === 1);
  return (
    <>
      {bits.map((bit) => {
        const key = `${of}.${bit}`;
        return (
          <p key={bit} className="word-line" role="alert" data-testid={`${of}-${bit}`}>
            <PriorityMark priority={1} size={16} />
            {i18n.exists(key) ? t(key as 'interlock.1') : t('unknownBit', { bit })}
          </p>
        );
      })}
    </>
  );
}

/** Interlocks and pump faults that hold now, in words. */
export function WordStrip({ points }: { points: PointView[] }) {
  const interlock = points.find((point) => point.kind === 'interlock_word');
  const fault = points.find((point) => point.kind === 'circulation_pump_fault');
  return (
    <div className="word-strip">
      {interlock && <Bits point={interlock} of="interlock" />}
      {fault && <Bits point={fault} of="pumpFault" />}
    </div>
  );
}
