interface MenuItemProps {
  label: string;
  testId: string;
  isDanger?: boolean;
  onChoose(): void;
}

export function MenuItem({ label, testId, isDanger, onChoose }: MenuItemProps) {
  return (
    <button
      type="button"
      role="menuitem"
      class={`menu-item ${isDanger ? 'is-danger' : ''}`}
      data-testid={testId}
      data-menu-row
      tabIndex={-1}
      onClick={onChoose}
    >
      {label}
    </button>
  );
}

/** https://www.w3.org/WAI/ARIA/apg/patterns/menubar/: up and down by rows, left and right within. */
export function moveFocus(event: KeyboardEvent): void {
  const menu = event.currentTarget as HTMLElement;
  const items = (row: Element | undefined) => {
    if (!row) return [];
    return row.matches('button') ? [row] : [...row.querySelectorAll('button')];
  };
  const rows = [...menu.querySelectorAll('[data-menu-row]')].map(items);
  const focused = document.activeElement as Element;
  const at = rows.findIndex((row) => row.includes(focused as HTMLButtonElement));
  const row = rows[at] ?? [];
  const place = row.indexOf(focused as HTMLButtonElement);
  const around = <T,>(list: T[], index: number) => list.at(index % list.length);
  const next = {
    ArrowDown: around(rows, at + 1)?.[0],
    ArrowUp: around(rows, at - 1)?.[0],
    ArrowRight: around(row, place + 1),
    ArrowLeft: around(row, place - 1),
    Home: rows[0]?.[0],
    End: rows.at(-1)?.[0],
  }[event.key];
  if (!next) return;
  event.preventDefault();
  (next as HTMLElement).focus();
}
