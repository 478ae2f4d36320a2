/** How a session looks: fetched with the first part of it that a room loads. */

const styles = document.createElement("link");
styles.rel = "stylesheet";
styles.href = new URL("../session.css", import.meta.url).href;
document.head.append(styles);
