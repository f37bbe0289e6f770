import { api, got } from '../../api/client';
import { useResource } from '../../base/resource';
import { named } from '../../i18n';

/** Names of purposes in the language of the screen. */
export function usePurposes(): (name: string) => string {
  const grading = useResource(() => got(api.GET('/api/v1/governance/grading')), []);
  const known = grading.data?.purposes ?? [];
  return (name) => named(known.find((each) => each.name === name) ?? { zh: name, en: name });
}

/** All purposes, for choosing one. */
export function usePurposeChoices(): { name: string; zh: string; en: string }[] {
  const grading = useResource(() => got(api.GET('/api/v1/governance/grading')), []);
  return grading.data?.purposes ?? [];
}
