import type { AlarmView } from '../api/views';
import { named } from '../i18n';

/** The page where an alarm can be understood. */
export function alarmPlace(alarm: AlarmView): string {
  const code = alarm.point ?? alarm.subject;
  const asset = code.split('.')[0] ?? code;
  if (asset.startsWith('SS') || asset.startsWith('UN') || asset.startsWith('BD')) {
    return `/substations/${asset}${code.includes('.') ? `#${code}` : ''}`;
  }
  return code.includes('.') ? `/trends?points=${code}` : `/alarms?subject=${code}`;
}

/** The platform's sentence, with units as people write them. */
export function alarmText(alarm: AlarmView): string {
  return named({ zh: alarm.text_zh, en: alarm.text_en }).replaceAll('degC', '°C').replaceAll('m3/h', 'm³/h');
}
