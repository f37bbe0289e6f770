// Identity: one's account with its factors and sessions, keys of programs.

export interface Factor {
  id: string;
  kind: string;
  label: string;
  algorithm: string;
  subject: string;
  created_at: string;
  used_at: string | null;
  ends_at: string | null;
}

export interface OwnSession {
  id: string;
  current: boolean;
  kind: string;
  address: string;
  device: string;
  factors: string[];
  created_at: string;
  seen_at: string;
}

export interface ServiceKey {
  id: string;
  name: string;
  purpose: string;
  owner: string;
  roles: string[];
  permissions: string[];
  scope: string[];
  addresses: string[];
  state: string;
  created_by: string;
  created_at: string;
  expires_at: string;
  used_at: string | null;
  used_from: string;
}
