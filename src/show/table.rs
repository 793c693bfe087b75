//! Lists as kubectl prints them: upper-case headings, columns three spaces apart, no lines.
//! Never knows what is listed.

use super::paint::harmless;

/// Columns, as wide as their widest entry. Rows may be shorter than the headings.
pub fn columns(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut all: Vec<Vec<String>> = vec![headings.iter().map(ToString::to_string).collect()];
    all.extend(rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()));
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..headings.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &all {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 3 - cell.chars().count()));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Entries are one line each, and what is not there is shown as kubectl shows it.
fn one_line(cell: &str) -> String {
    match cell {
        "" => "<none>".into(),
        cell => harmless(cell).replace('\t', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_do_not_end_in_spaces() {
        let rows = [vec!["1".to_string(), "lockdown".to_string()], vec!["12".to_string(), String::new()]];
        assert_eq!(columns(&["NR", "WHAT"], &rows), "NR   WHAT\n1    lockdown\n12   <none>\n");
    }

    #[test]
    fn an_entry_of_two_lines_stays_in_its_row() {
        assert_eq!(columns(&["A"], &[vec!["x\ny".to_string()]]), "A\nx y\n");
    }
}
