//! EC2's answers as trees: elements that hold either a text or other elements.
//!
//! Only what EC2 writes is read: no comments, no sections, and no attributes but a name space.

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// As they are written.
    attributes: String,
    /// As it is written, with its entities.
    text: String,
    /// What is in it.
    pub children: Vec<Element>,
}

impl Element {
    /// An empty one.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The outermost element; `None` if it is not whole.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let start = match text.trim_start().strip_prefix("<?") {
            Some(declared) => declared.split_once("?>")?.1,
            None => text,
        };
        Some(element(start.trim_start())?.0)
    }

    /// Itself, as XML.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        self.write(&mut out);
        out
    }

    /// The first element in it with that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The items of the list in it with that name.
    pub fn items(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.get(name).map(|list| list.children.iter()).unwrap_or_default()
    }

    /// What is said at the end of that path.
    #[must_use]
    pub fn say(&self, path: &[&str]) -> Option<String> {
        let end = path.iter().try_fold(self, |at, name| at.get(name))?;
        let plain = |text: &str, (entity, sign): &(&str, &str)| text.replace(entity, sign);
        Some(ENTITIES.iter().fold(end.text.clone(), |text, entity| plain(&text, entity)))
    }

    fn write(&self, out: &mut String) {
        let Self { name, attributes, text, children } = self;
        out.push_str(&format!("<{name}{attributes}>{text}"));
        children.iter().for_each(|child| child.write(out));
        out.push_str(&format!("</{name}>"));
    }
}

/// In the order in which they are undone.
const ENTITIES: [(&str, &str); 5] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];

/// The element that a text begins with, and the text after it.
fn element(text: &str) -> Option<(Element, &str)> {
    let (tag, mut rest) = text.strip_prefix('<')?.split_once('>')?;
    let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
    let (name, attributes) = tag.split_at(tag.find(' ').unwrap_or(tag.len()));
    let mut made =
        Element { name: name.into(), attributes: attributes.into(), ..Element::default() };
    if is_empty {
        return Some((made, rest));
    }
    loop {
        let (said, after) = rest.split_at(rest.find('<')?);
        made.text.push_str(said);
        if let Some(end) = after.strip_prefix("</") {
            let (ended, after) = end.split_once('>')?;
            rest = after;
            if !made.children.is_empty() {
                made.text.clear();
            }
            return (ended == name).then_some((made, rest));
        }
        let (child, after) = element(after)?;
        made.children.push(child);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_again_says_the_same() {
        let text = "<?xml version=\"1.0\"?>\n<A xmlns=\"x\">\n <b>1 &amp;lt; 2</b>\n <c/>\n \
                    <l><item>p</item><item>q</item></l></A>";
        let read = Element::parse(text).expect("it is whole");
        assert_eq!(read.say(&["b"]).as_deref(), Some("1 &lt; 2"));
        assert_eq!(read.items("l").count(), 2);
        assert_eq!(read.say(&["c"]).as_deref(), Some(""));
        assert_eq!(read.say(&["d"]), None);
        assert_eq!(Element::parse(&read.to_xml()), Some(read));
    }

    #[test]
    fn what_is_cut_off_anywhere_is_no_answer() {
        let text = "<A><b>1</b><l><item>p</item></l></A>";
        for end in 0..text.len() {
            assert_eq!(Element::parse(&text[..end]), None, "{}", &text[..end]);
        }
    }
}
