import { type KeyboardEvent, type PointerEvent, type RefObject, useCallback, useEffect, useRef, useState } from 'react';

export interface View {
  x: number;
  y: number;
  zoom: number;
}

const WHOLE: View = { x: 0, y: 0, zoom: 1 };
const [LEAST, MOST] = [0.5, 24];
const STEP_PX = 60;

function zoomed(view: View, factor: number, x: number, y: number): View {
  const zoom = Math.min(Math.max(view.zoom * factor, LEAST), MOST);
  const by = zoom / view.zoom;
  return { zoom, x: x - (x - view.x) * by, y: y - (y - view.y) * by };
}

/** Move and enlarge a drawing by mouse, touch, wheel and keys. */
export function usePanZoom(box: RefObject<HTMLElement | null>) {
  const [view, setView] = useState<View>(WHOLE);
  const held = useRef(new Map<number, { x: number; y: number }>());
  const dragged = useRef(false);

  const place = useCallback(
    (event: { clientX: number; clientY: number }) => {
      const at = box.current?.getBoundingClientRect();
      return { x: event.clientX - (at?.left ?? 0), y: event.clientY - (at?.top ?? 0) };
    },
    [box],
  );

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { x, y } = place(event);
      setView((old) => zoomed(old, Math.exp(-event.deltaY * 0.0016), x, y));
    };
    // React listens passively, so the page would scroll as well.
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [box, place]);

  function onPointerDown(event: PointerEvent<Element>) {
    held.current.set(event.pointerId, place(event));
    dragged.current = false;
  }
  function onPointerMove(event: PointerEvent<Element>) {
    const last = held.current.get(event.pointerId);
    if (!last) return;
    const now = place(event);
    const others = [...held.current].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    const other = others[0];
    if (Math.hypot(now.x - last.x, now.y - last.y) < 3 && !dragged.current) return;
    if (!dragged.current) event.currentTarget.setPointerCapture(event.pointerId);
    dragged.current = true;
    held.current.set(event.pointerId, now);
    if (other) {
      const before = Math.hypot(last.x - other.x, last.y - other.y);
      const after = Math.hypot(now.x - other.x, now.y - other.y);
      if (before > 1) setView((old) => zoomed(old, after / before, (now.x + other.x) / 2, (now.y + other.y) / 2));
    } else {
      setView((old) => ({ ...old, x: old.x + now.x - last.x, y: old.y + now.y - last.y }));
    }
  }
  function onPointerUp(event: PointerEvent<Element>) {
    held.current.delete(event.pointerId);
  }

  const middle = useCallback(() => {
    const at = box.current?.getBoundingClientRect();
    return { x: (at?.width ?? 0) / 2, y: (at?.height ?? 0) / 2 };
  }, [box]);
  const enlarge = useCallback(
    (factor: number) => {
      const { x, y } = middle();
      setView((old) => zoomed(old, factor, x, y));
    },
    [middle],
  );
  const whole = useCallback(() => setView(WHOLE), []);

  function onKeyDown(event: KeyboardEvent<Element>) {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [STEP_PX, 0],
      ArrowRight: [-STEP_PX, 0],
      ArrowUp: [0, STEP_PX],
      ArrowDown: [0, -STEP_PX],
    };
    const move = moves[event.key];
    if (move) setView((old) => ({ ...old, x: old.x + move[0], y: old.y + move[1] }));
    else if (event.key === '+' || event.key === '=') enlarge(1.4);
    else if (event.key === '-') enlarge(1 / 1.4);
    else if (event.key === '0') whole();
    else return;
    event.preventDefault();
  }

  /** Whether the click that follows a pointer was the end of a drag. */
  const wasDrag = () => dragged.current;
  return {
    view,
    enlarge,
    whole,
    wasDrag,
    handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel: onPointerUp, onKeyDown },
  };
}
