//! Cutting in the text of a list without touching what stands around it.

/// Where something stands: bytes of the text.
pub(crate) type Span = core::ops::Range<usize>;

/// The line end of a text: that of its first line.
pub(crate) fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Where the line of this place begins.
pub(crate) fn line_start(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    Some(before.rfind('\n').map_or(0, |newline| newline + 1))
}

/// Ends the last line of a text, if it is not.
pub(crate) fn end_line(text: &mut String, newline: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(newline);
    }
}

/// Puts whole lines under the line of this place.
pub(crate) fn insert_line(text: &mut String, at: usize, lines: &str) {
    let newline = newline(text);
    let end = line_end(text, at);
    if end == text.len() {
        end_line(text, newline);
        text.push_str(&format!("{lines}{newline}"));
    } else {
        text.insert_str(end + newline_at(text, end), &format!("{lines}{newline}"));
    }
}

/// The line in `within`, and outside all of `values`, that has this key in a comment: a
/// place in it, and its indentation.
pub(crate) fn commented_out<'t>(
    text: &'t str,
    within: Span,
    values: &[Span],
    key: &str,
) -> Option<(usize, &'t str)> {
    let mut start = within.start;
    let mut found = None;
    for line in text.get(within)?.split_inclusive('\n') {
        let body = line.trim_start_matches([' ', '\t']);
        let shown = body
            .strip_prefix('#')
            .map(str::trim_start)
            .and_then(|rest| rest.get(..key.len()).map(|word| (word, &rest[key.len()..])))
            .is_some_and(|(word, rest)| {
                word.eq_ignore_ascii_case(key) && rest.trim_start().starts_with('=')
            });
        if shown && !values.iter().any(|span| span.contains(&start)) {
            found = found.or(Some((start, &line[..line.len() - body.len()])));
        }
        start += line.len();
    }
    found
}

/// Puts `new` behind the last of `items` between the brackets `within`, in the layout that
/// is there: on lines of their own where the last one has its own line, and with a comma
/// at the end where there was one.
pub(crate) fn append(text: &mut String, within: &Span, items: &[Span], new: &[String]) {
    let close = within.end.saturating_sub(1);
    let Some(last) = items.last() else {
        return fill(text, within, new);
    };
    let comma = comma(text, last.end, close);
    let behind = comma.map_or(last.end, |at| at + 1);
    let indent = line_start(text, last.start)
        .and_then(|start| text.get(start..last.start))
        .filter(|before| before.trim().is_empty())
        .map(str::to_owned);
    let Some(indent) = indent else {
        // In the middle of a line: the new ones too.
        let joined = new.join(", ");
        match comma {
            Some(_) => text.insert_str(behind, &format!(" {joined},")),
            None => text.insert_str(behind, &format!(", {joined}")),
        }
        return;
    };
    // A comment behind the last one stays where it is.
    let end = line_end(text, behind);
    let at = if close < end { behind } else { end };
    let separator = format!("{}{indent}", newline(text));
    let joined = new.join(&format!(",{separator}"));
    let trailing = if comma.is_some() { "," } else { "" };
    text.insert_str(at, &format!("{separator}{joined}{trailing}"));
    if comma.is_none() {
        text.insert(last.end, ',');
    }
}

/// Puts the first ones between brackets that hold none.
fn fill(text: &mut String, within: &Span, new: &[String]) {
    let close = within.end.saturating_sub(1);
    let Some(inside) = text.get(within.start + 1..close) else {
        return;
    };
    if inside.contains('\n') {
        let newline = newline(text);
        let start = line_start(text, close).unwrap_or(close);
        let indent = format!("{}    ", text.get(start..close).unwrap_or_default());
        let lines: String = new
            .iter()
            .map(|item| format!("{indent}{item},{newline}"))
            .collect();
        text.insert_str(start, &lines);
    } else {
        let inline_table = text.get(within.start..).is_some_and(|t| t.starts_with('{'));
        let pad = if inline_table { " " } else { "" };
        let joined = format!("{pad}{}{pad}", new.join(", "));
        text.replace_range(within.start + 1..close, &joined);
    }
}

/// Takes one of `items` out of the brackets `within`: with its line, and the comment on
/// that, where it has a line of its own.
pub(crate) fn remove(text: &mut String, within: &Span, items: &[Span], index: usize) {
    let Some(item) = items.get(index) else {
        return;
    };
    let before = index.checked_sub(1).and_then(|index| items.get(index));
    let next = items.get(index + 1);
    let limit = next.map_or(within.end.saturating_sub(1), |next| next.start);
    let comma_behind = comma(text, item.end, limit);
    let comma_before = before.and_then(|before| comma(text, before.end, item.start));
    if let Some(line) = own_line(text, item, comma_behind, limit) {
        if comma_behind.is_some() || next.is_none() {
            text.replace_range(line, "");
            // The one before is the last now, and the last one had no comma.
            if let (None, Some(at)) = (comma_behind, comma_before) {
                text.remove(at);
            }
            return;
        }
    }
    let previous_end = before.map_or(item.start, |before| before.end);
    let cut = match (comma_behind, comma_before) {
        (Some(comma), before) => {
            let plain = |span: Span| {
                let gap = text.get(span).unwrap_or("#");
                !gap.contains(['#', '\n'])
            };
            match (next, before) {
                (Some(next), _) if plain(comma + 1..next.start) => item.start..next.start,
                (None, Some(before)) if plain(before + 1..item.start) => before + 1..comma + 1,
                _ => item.start..comma + 1,
            }
        }
        // Blanks before the comma go too: it may begin the line.
        (None, Some(_)) if !text[previous_end..item.start].contains('#') => previous_end..item.end,
        (None, Some(comma)) if !text[comma..item.start].contains('#') => comma..item.end,
        (None, _) => item.clone(),
    };
    text.replace_range(cut, "");
}

/// The line of an item, its end included, if nothing else is on it but its comma and a
/// comment.
fn own_line(text: &str, item: &Span, comma: Option<usize>, limit: usize) -> Option<Span> {
    let start = line_start(text, item.start)?;
    let behind = comma.map_or(item.end, |at| at + 1);
    let end = line_end(text, item.end);
    let alone = text.get(start..item.start)?.trim().is_empty()
        && end <= limit
        && text.get(behind..end).is_some_and(|rest| {
            let rest = rest.trim();
            rest.is_empty() || rest.starts_with('#')
        });
    alone.then(|| start..end + newline_at(text, end))
}

/// The comma between two places that hold nothing else but blanks and comments.
fn comma(text: &str, from: usize, to: usize) -> Option<usize> {
    let mut comment = false;
    for (at, byte) in text.get(from..to)?.bytes().enumerate() {
        match byte {
            b'\n' => comment = false,
            b'#' => comment = true,
            b',' if !comment => return Some(from + at),
            _ => {}
        }
    }
    None
}

/// Where the line of this place ends, before its line end.
fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    match rest.find('\n') {
        Some(newline) if rest[..newline].ends_with('\r') => at + newline - 1,
        Some(newline) => at + newline,
        None => text.len(),
    }
}

/// How long the line end at this place is.
fn newline_at(text: &str, at: usize) -> usize {
    match text.get(at..) {
        Some(rest) if rest.starts_with("\r\n") => 2,
        Some(rest) if rest.starts_with('\n') => 1,
        _ => 0,
    }
}
