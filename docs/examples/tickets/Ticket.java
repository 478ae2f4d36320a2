// Signs a ticket for a room. Part of the intranet's back end; Java 11 or newer, nothing to install.
//
//     java Ticket.java ROOM PERSON     prints one

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.UUID;

import static java.nio.charset.StandardCharsets.UTF_8;

public class Ticket {
    public static void main(String[] args) throws Exception {
        System.out.println(sign(args[0], args[1], "participant"));
    }

    static String sign(String room, String person, String role) throws Exception {
        String header = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
        String claims = "{"
            + "\"iss\":" + quoted(System.getenv("INTRANET_URL"))
            + ",\"aud\":" + quoted(System.getenv("CHAT_URL"))
            + ",\"exp\":" + (Instant.now().getEpochSecond() + 300)
            + ",\"jti\":" + quoted(UUID.randomUUID().toString())
            + ",\"sub\":" + quoted(person)
            + ",\"room\":" + quoted(room)
            + ",\"role\":" + quoted(role)
            + "}";
        String signed = part(header.getBytes(UTF_8)) + "." + part(claims.getBytes(UTF_8));
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(key(Path.of(System.getenv("TICKET_KEY"))));
        signature.update(signed.getBytes(UTF_8));
        return signed + "." + part(signature.sign());
    }

    static PrivateKey key(Path file) throws Exception {
        String pem = Files.readString(file).replaceAll("-----[A-Z ]+-----", "");
        byte[] bytes = Base64.getMimeDecoder().decode(pem);
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(bytes));
    }

    static String part(byte[] data) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(data);
    }

    /** A text as JSON has it. With a JSON library at hand, use that. */
    static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char each : text.toCharArray()) {
            if (each < ' ' || each == '"' || each == '\\') {
                json.append(String.format("\\u%04x", (int) each));
            } else {
                json.append(each);
            }
        }
        return json.append('"').toString();
    }
}
