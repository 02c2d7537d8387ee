//! EC2's answers: elements that hold either a text or other elements.

use roxmltree::{Document, Node};

/// Reads an answer from its outermost element on; `None` if it is not whole.
pub(super) fn read<T>(answer: &[u8], with: impl FnOnce(Node<'_, '_>) -> T) -> Option<T> {
    let document = Document::parse(str::from_utf8(answer).ok()?).ok()?;
    Some(with(document.root_element()))
}

/// The first element in it with that name.
pub(super) fn element<'a, 'i>(of: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    of.children().find(|child| child.has_tag_name(name))
}

/// The items of the list in it with that name.
pub(super) fn items<'a, 'i>(of: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    element(of, name).into_iter().flat_map(|list| list.children()).filter(Node::is_element)
}

/// What the element in it with that name says.
pub(super) fn text<'a>(of: Node<'a, '_>, name: &str) -> Option<&'a str> {
    element(of, name).map(|it| it.text().unwrap_or_default())
}
