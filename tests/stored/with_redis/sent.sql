PRAGMA user_version = 1;
PRAGMA journal_mode = wal;
BEGIN TRANSACTION;
CREATE TABLE sending (
    destination TEXT NOT NULL,
    id TEXT NOT NULL,
    since REAL NOT NULL,
    holder TEXT NOT NULL,
    PRIMARY KEY (destination, id)
) WITHOUT ROWID;
INSERT INTO "sending" VALUES('away_unsure','94f3d006594e49dddd4aaa9a0c5a8ca6',1780315201.719,'');
INSERT INTO "sending" VALUES('expired','4aa1a3716767291ad852ec9e96c6d7d5',1780315187.103,'');
INSERT INTO "sending" VALUES('grouped','895d358d92eeaececb0714db0ddab536',1780315183.094,'');
INSERT INTO "sending" VALUES('grouped','dbd12c928527fcab7449acf618bf1d21',1780315183.094,'');
INSERT INTO "sending" VALUES('leased','69ab19e39fece119c28e9580884f6f05',1780315199.012,'notify|elsewhere|pid:[1]|17166|a5f172426410');
INSERT INTO "sending" VALUES('unsure','8eb15ac96760c4e5a5b3d11f96400365',1780315182.086,'');
CREATE TABLE sent (
    destination TEXT NOT NULL,
    id TEXT NOT NULL,
    time INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    PRIMARY KEY (destination, id)
) WITHOUT ROWID;
INSERT INTO "sent" VALUES('away_paused','9bf1943ab928015ad2d01cb4fb1608c6',1780315182,'');
INSERT INTO "sent" VALUES('away_refused','f1f3de211f1d3e75293efa8085f0432b',1780315182,'');
INSERT INTO "sent" VALUES('away_suspended','37107acacd5f7abdb0c2814d58dec5fd',1780315182,'');
INSERT INTO "sent" VALUES('away_unsure','fc16d98d00b213cb228524fbf26c5df1',1780315182,'');
INSERT INTO "sent" VALUES('desk','02473135df884f347328fef1a55cee7b',1780315182,'m-1');
INSERT INTO "sent" VALUES('desk','1098c6f1f71747ad57582cbb34d3fa9a',1780315182,'m-1');
INSERT INTO "sent" VALUES('desk','21096300cdfb163ab0bad5a8e452b8ea',1780315201,'');
INSERT INTO "sent" VALUES('desk','4dbb926caa10aa08d7f33209f3773b77',1780315182,'m-1');
INSERT INTO "sent" VALUES('desk','8e08e232bcc82878afa16ce8f212077f',1780315201,'');
INSERT INTO "sent" VALUES('desk','cd1d66bb5f34c85fd866c6312a80ec4e',1780315182,'m-1');
INSERT INTO "sent" VALUES('desk','f039c2dca222750b714549b0225825bb',1780315201,'');
INSERT INTO "sent" VALUES('desk','f0f134657e9b9657e2e11b728091abe7',1780315182,'m-1');
INSERT INTO "sent" VALUES('ops','daily-2026-06-01',1780315198,'');
INSERT INTO "sent" VALUES('ops','suspended-away_suspended-1',1780315201,'');
INSERT INTO "sent" VALUES('ops','suspended-suspended-1',1780315187,'');
INSERT INTO "sent" VALUES('rated','a2066d542c4830daf9a68a5d179539e2',1780315199,'');
INSERT INTO "sent" VALUES('refused','7742ddec40bc92c717bb4fd2b71f39c6',1780315182,'');
COMMIT;
