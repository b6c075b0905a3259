//! Lists, and tables of whatever names somebody chose.

use toml::Spanned;
use toml::de::DeValue;

use super::Section;
use crate::config::values;

impl<'a> Section<'a> {
    /// Reads a list of texts.
    pub(in crate::config) fn texts(&self, key: &'static str) -> Option<Vec<String>> {
        self.listed(key, "a text", |text| Some(text.to_owned()))
    }

    /// Reads a list of texts that stand for something else; elements at fault are left out.
    pub(in crate::config) fn listed<T>(
        &self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut elements = Vec::new();
        // One word in place of a list of one is told how the list is written.
        if let Some(DeValue::String(text)) = self.value(key).map(Spanned::get_ref) {
            let found = match parse(text) {
                Some(_) => format!("expected a list such as [{text:?}], found a text"),
                None => format!("expected a list, each {expected}, found a text"),
            };
            self.refuse(key, found);
            return None;
        }
        for (index, value) in self.array(key)?.iter().enumerate() {
            let element = match value.get_ref() {
                DeValue::String(text) => {
                    let element = parse(text);
                    element.ok_or_else(|| format!("expected {expected}, found {text:?}"))
                }
                other => Err(format!("expected a text, found {}", values::kind(other))),
            };
            match element {
                Ok(element) => elements.push(element),
                Err(problem) => self.refuse_element(key, index, value, problem),
            }
        }
        Some(elements)
    }

    /// The elements of an array, of whatever kind.
    pub(in crate::config) fn array(&self, key: &'static str) -> Option<&'a [Spanned<DeValue<'a>>]> {
        match self.value(key)?.get_ref() {
            DeValue::Array(array) => Some(array),
            other => {
                self.mistyped(key, "a list", other);
                None
            }
        }
    }

    pub(in crate::config) fn refuse_element(
        &self,
        key: &str,
        index: usize,
        value: &Spanned<DeValue<'_>>,
        problem: String,
    ) {
        let line = self.reading.line(value.span().start);
        let key = format!("{}[{index}]", self.key(key));
        self.reading.findings.refuse_at(Some(line), key, problem);
    }

    /// Reads a table of texts.
    pub(in crate::config) fn text_table(&self, key: &'static str) -> Vec<(String, String)> {
        let table = self.section_of(key, None);
        let mut entries = Vec::new();
        for (name, value) in table.table.into_iter().flatten() {
            match value.get_ref() {
                DeValue::String(text) => entries.push((name.get_ref().to_string(), text.to_string())),
                other => table.mistyped(name.get_ref(), "a text", other),
            }
        }
        entries
    }

    /// Reads a table of lists of texts that stand for something else.
    pub(in crate::config) fn list_table<T>(
        &self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<(String, Vec<T>)> {
        let table = self.section_of(key, None);
        let mut entries = Vec::new();
        for (name, value) in table.table.into_iter().flatten() {
            let DeValue::Array(array) = value.get_ref() else {
                table.mistyped(name.get_ref(), "a list", value.get_ref());
                continue;
            };
            let mut elements = Vec::new();
            for (index, value) in array.iter().enumerate() {
                match value.get_ref().as_str().and_then(&parse) {
                    Some(element) => elements.push(element),
                    None => table.refuse_element(name.get_ref(), index, value, format!("expected {expected}")),
                }
            }
            if elements.len() == array.len() {
                entries.push((name.get_ref().to_string(), elements));
            }
        }
        entries
    }

    /// The tables of an array of tables, such as `[[routes]]`.
    pub(in crate::config) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        if let Some(DeValue::Table(_)) = self.value(key).map(Spanned::get_ref) {
            self.refuse(
                key,
                format!("expected tables headed [[{key}]], found one table; write [[{key}]] in place of [{key}]"),
            );
            return Vec::new();
        }
        let mut sections = Vec::new();
        for (index, value) in self.array(key).into_iter().flatten().enumerate() {
            let path = format!("{}[{index}]", self.key(key));
            self.reading
                .findings
                .place(path.clone(), self.reading.line(value.span().start));
            match value.get_ref() {
                DeValue::Table(table) => sections.push(Section::new(self.reading, path, None, Some(table))),
                other => {
                    let problem = format!("expected a table, found {}", values::kind(other));
                    self.reading.findings.refuse(path, problem);
                }
            }
        }
        sections
    }
}
