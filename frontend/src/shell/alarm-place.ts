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

/** The sentence without the name it begins with, for where the name stands beside it. */
export function alarmWhat(alarm: AlarmView): string {
  const text = alarmText(alarm);
  const name = named({ zh: alarm.subject_zh, en: alarm.subject_en });
  return name && text.startsWith(name) ? text.slice(name.length).replace(/^[:：\s]+/, '') : text;
}

/** The platform's sentence, with units as people write them. */
export function alarmText(alarm: AlarmView): string {
  return named({ zh: alarm.text_zh, en: alarm.text_en }).replaceAll('degC', '°C').replaceAll('m3/h', 'm³/h');
}
