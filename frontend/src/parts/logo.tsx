/** The loop: out warm, back cool, and round again. */
export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" style={{ flex: 'none' }}>
      <rect width="32" height="32" rx="7" fill="#2b3a42" />
      <g fill="none" strokeLinecap="round" strokeWidth="3.2">
        <path d="M8 16a8 8 0 0 1 13.7-5.6" stroke="#e08a5b" />
        <path d="M24 16a8 8 0 0 1-13.7 5.6" stroke="#8fb3c4" />
      </g>
      <path
        d="M22.6 5.6v5.6H17M9.4 26.4v-5.6H15"
        fill="none"
        stroke="#f2f4f5"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
